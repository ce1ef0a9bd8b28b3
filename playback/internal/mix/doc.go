// Package mix makes one picture and one sound of all tracks of a meeting. [Scenes] says
// where on the picture each participant is at what time. A [Painter] draws them into
// planar YUV, a [Picture]. A [Mixer] sums their sounds.
//
// The package decodes and encodes nothing, starts nothing and reads no clock: the same
// meeting gives the same bytes, with the same fonts. Strangers chose the names and texts;
// package lettering draws them.
package mix
