"""The commands of `tf2numpy`, one file each: HELP, add_arguments(parser) and run(options) -> exit code.

They parse words, call a verb and print. They load nothing slow before they run, and own no conversion logic. Exit codes
are those of `cli`; FAILED in a command replaces the one for errors.
"""
