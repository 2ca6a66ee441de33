"""The mirror of go-mirror-hw: accounts, public channels, direct messages."""
