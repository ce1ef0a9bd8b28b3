// Package mix makes one picture and one sound of all tracks of a meeting. [Scenes] says
// where on the picture each participant is at what time. A [Painter] draws them into
// planar YUV, a [Picture]. A [Mixer] sums their sounds.
//
// The package decodes and encodes nothing, starts nothing and reads no clock: the same
// meeting gives the same bytes. Strangers chose the names and texts. So no text engine
// reads them: they are drawn shape by shape, with a font of this package.
package mix
