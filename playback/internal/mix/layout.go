package mix

import "image"

// A Layout says who is large.
type Layout string

const (
	// Grid shows all alike, and a shared screen large.
	Grid Layout = "grid"
	// Speaker shows who speaks large, or a shared screen.
	Speaker Layout = "speaker"
)

const (
	maxGrid  = 25 // tiles
	maxStrip = 8
)

// even rounds down to what both planes can be cut at.
func even(n int) int { return n &^ 1 }

// fitted is the largest tile of 16:9 in a room.
func fitted(w, h int) image.Point {
	x := even(min(w, h*16/9))
	return image.Pt(x, even(x*9/16))
}

// grid returns n tiles of one size, as large as can be, the last row in the
// middle.
func grid(n, w, h int) []image.Rectangle {
	var cols int
	var size image.Point
	for c := 1; c <= n; c++ {
		if p := fitted(w/c, h/((n+c-1)/c)); p.X*p.Y > 0 && p.X*p.Y >= size.X*size.Y {
			cols, size = c, p
		}
	}
	if cols == 0 {
		return nil // there is no room
	}
	rows := (n + cols - 1) / cols
	top := even((h - rows*size.Y) / 2)
	var tiles []image.Rectangle
	for i := range n {
		inRow := min(cols, n-i/cols*cols)
		left := even((w - inRow*size.X) / 2)
		at := image.Pt(left+i%cols*size.X, top+i/cols*size.Y)
		tiles = append(tiles, image.Rectangle{Min: at, Max: at.Add(size)})
	}
	return tiles
}

// beside returns a large tile and n small ones in a strip at its right. The large
// one is a whole number of times as large, where the size allows.
func beside(n, w, h int) (large image.Rectangle, strip []image.Rectangle) {
	times := 3
	switch {
	case n == 0:
		return grid(1, w, h)[0], nil
	case n > 5:
		times = 7
	case n > 4:
		times = 4
	}
	small := fitted(w/(times+1), h/n)
	large = grid(1, w-small.X, h)[0]
	top := even((h - n*small.Y) / 2)
	for i := range n {
		at := image.Pt(w-small.X, top+i*small.Y)
		strip = append(strip, image.Rectangle{Min: at, Max: at.Add(small)})
	}
	return large, strip
}
