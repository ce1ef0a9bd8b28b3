// Package ui is how the command speaks with a person: results and remarks, questions,
// and errors with their exit codes and with what to do about them.
//
// All of it acts on an Env, which is the world around a command. Only this package
// writes to standard output and standard error. The rules are:
//
//   - Results go to standard output, all else to standard error.
//   - Errors are "sealtape: " and a text without a capital or a full stop;
//     lines with "hint: " follow, and name the remedy.
//   - Questions go to the terminal, not to either output, so that these can be
//     redirected. Without a terminal a question is an error with a hint that
//     says how to answer in advance.
//   - Whatever came from a room, a store or a card goes through Clean.
package ui
