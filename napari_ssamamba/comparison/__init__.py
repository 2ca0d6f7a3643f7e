"""SSA-Mamba beside other methods, on the same split of the same scene; scikit-learn."""
