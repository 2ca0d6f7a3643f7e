"""The spectral expert: calibrated linear and kernel classifiers, as arrays; numpy and scipy."""
