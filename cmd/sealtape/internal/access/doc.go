// Package access is what a command has when it works on recordings: the home with keys
// and cards, the store, and whose signatures count. It opens both by what the command
// line says, finds the recording that was meant, and opens it as a tape.Tape.
//
// A Go program needs none of it: Home.Trust of package keys gives the verifiers that
// tape.Options takes.
package access
