"""Results as files to look at: a figure, and the audit as one page of HTML."""
