// Package lettering draws one line of text, in any script, as a mask of how much of
// each pixel is covered.
//
// The fonts of the scripts that most meetings have are embedded: subsets of Noto
// Sans, under the Open Font License (fonts/OFL.txt). What they lack is looked for in
// the fonts of the machine, and left out if no font there has it: no box stands for
// a letter.
//
// Texts are what strangers chose. [Tame] bounds them, and takes out what controls or
// turns the text around it. The text engine is go-text, which is Go only; if it
// panics, the line is empty.
package lettering
