"""The mesh dialect: clients of simplysocket and gomeshstream in the same rooms."""
