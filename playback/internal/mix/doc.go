// Package mix makes one picture and one sound of a meeting's: where each
// participant is on the picture at what time ([Scenes]), the drawing of them into
// planar YUV ([Picture], [Draw]), and the sum of their sounds ([Mixer]).
//
// It decodes and encodes nothing, starts nothing and reads no clock: the same
// meeting gives the same bytes. Names and texts are what strangers chose, and are
// drawn with a font of its own, shape by shape: no text engine reads them.
package mix
