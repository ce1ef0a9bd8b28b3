// Package flags takes a command line apart, for commands that are each three things: a
// struct of options, which its flags and arguments fill; Check, which refuses what makes
// no sense; and a function that runs it, which tests call without a command line.
//
// What a person wrote goes through First, which puts flags first and refuses two values
// of one, then through urfave/cli, which fills the options, and, with --config, through
// Configure. Action ties these to the function that runs.
package flags
