"""The broadcaster dialect: clients of go-message-broadcaster in the same rooms."""
