"""The tests: one module for each module of goroom, and the tree beside it mirrored."""
