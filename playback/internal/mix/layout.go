package mix

import "image"

// A Layout says who is large.
type Layout string

const (
	// Grid shows all participants in one size, and a shared screen large.
	Grid Layout = "grid"
	// Speaker shows the one who speaks large, or a shared screen.
	Speaker Layout = "speaker"
)

const (
	maxGrid  = 25 // tiles
	maxStrip = 8
)

// even rounds down to an even number: color planes have half the resolution.
func even(n int) int { return n &^ 1 }

// fitted returns the size of the largest 16:9 tile in w times h pixels.
func fitted(w, h int) image.Point {
	x := even(min(w, h*16/9))
	return image.Pt(x, even(x*9/16))
}

// grid returns n tiles of one size, as large as possible. The last row is centered. If
// there is no room, grid returns nil.
func grid(n, w, h int) []image.Rectangle {
	var cols int
	var size image.Point
	for c := 1; c <= n; c++ {
		if p := fitted(w/c, h/((n+c-1)/c)); p.X*p.Y > 0 && p.X*p.Y >= size.X*size.Y {
			cols, size = c, p
		}
	}
	if cols == 0 {
		return nil
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

// beside returns a large tile, and n small ones in a strip at its right. If the size
// allows, the large tile is 3, 4 or 7 times as wide as a small one.
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
