// Package webhook tells another program how recordings go: by signed POST requests, and by
// a command that is run when a recording is stored.
//
// An [Event] names a recording by its ID and nobody by name. A [Sender] keeps the events of
// one recording in a folder, so that they outlive the process, and posts them in their order,
// each until it is taken. What is left when the process ends, [Sweep] delivers later, in
// whatever process. Events come at least once: who gets them drops those with an ID that they
// have seen.
//
// A [Key] signs a request, in the form of Standard Webhooks, with Ed25519 or with a shared
// secret, or as LiveKit signs its webhooks, so that whoever receives those takes these, too.
package webhook
