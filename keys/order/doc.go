// Package order lets people who are not in a room tell its recorder to pause, to go on and
// to stop: an operator, or a program for them.
//
// The room's server carries the orders, and members may send some, too. So an order is
// signed with the key of a card that the recorder was told of, and names a turn, which the
// recorder gave a moment ago and takes once. Whoever replays an order, holds it back or
// changes the order of two achieves nothing but its loss, and the loss is seen: each answer
// is signed by the recorder and names what it answers.
//
// A call has two rounds. The operator sends a Question and gets an Answer, which has a turn,
// and says what the recorder does. Then they may send an Order with that turn, and get an
// Answer again. keys/PROTOCOL.md specifies the messages.
package order
