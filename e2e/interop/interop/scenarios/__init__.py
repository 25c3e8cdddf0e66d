"""What is asked, one subject per file. A scenario's people and aliases are its own."""
