// Package watch has the rooms of a LiveKit server recorded that ought to be.
//
// A server dispatches a recorder at most once: what it offers while no worker is free is
// lost, and so is a job whose worker died. So somebody has to compare what should be with
// what is, again and again. Decide does that for one room, from what is Seen of it now and
// the little that is remembered of before: it does no I/O, and knows no clock. A Watcher
// looks at the server and does what Decide says.
//
// A member whose host died is listed for 20 s more. So that it does not take another 10 until
// somebody looks, a Watcher asks one recorder of each host whether it is there, and looks
// each second at the rooms of a host that does not answer. It remembers what each room's
// recorder recorded, and has the server show that to the next one, on whatever host that is.
// For whoever watches then, it has the server keep a note of it: see note.go.
//
// A server believes in a worker that hangs, or whose network is gone, and offers rooms to it in
// vain. So each worker can be dispatched by a name of its own, and where some host does not
// answer, a Watcher sends to others: see hosts.go.
//
// Nothing is stored. A Watcher that begins anew sees the same rooms, members and dispatches
// as the one before it; two of them at once see one another's dispatches, and at worst make
// one too many, which one of them deletes. What people ask for is a dispatch, too: one that
// names a policy stands for a wish until its job was done, and one for the agent Off(name),
// whom no worker ever is, says that a room is not to be recorded while it is open.
//
// The server's word is taken for who records. It could record nothing and say otherwise;
// that no reader ever gets a recording of such a room, nobody can hide.
package watch
