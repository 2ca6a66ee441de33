"""Ready-made extensions for goroom: each uses only what `goroom` makes public."""
