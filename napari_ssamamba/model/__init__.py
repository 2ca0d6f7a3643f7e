"""The network, equation by equation; torch only."""
