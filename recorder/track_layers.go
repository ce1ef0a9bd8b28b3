package recorder

import (
	"time"

	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
)

// maxLayers bounds the layer frames of one picture: VP9 superframes hold no more.
const maxLayers = 8

// layers joins the spatial layers of a VP9 picture, each of which was encrypted as a
// frame by itself.
type layers struct {
	deliver func(u frame.Unit, at time.Duration, data []byte, outcome Outcome)

	joiner    media.VP9Joiner
	collected []layer // of the picture under way
}

// A layer is one of them, with what became of opening it.
type layer struct {
	unit    frame.Unit
	at      time.Duration
	data    []byte
	outcome Outcome
}

// add takes a layer. The picture is whole when its marker comes, or the next one
// begins: a server that drops upper layers moves the marker, but need not.
func (p *layers) add(l layer) {
	if len(p.collected) > 0 && (p.collected[0].unit.Timestamp != l.unit.Timestamp || len(p.collected) == maxLayers) {
		p.join()
	}
	p.collected = append(p.collected, l)
	if l.unit.Marker {
		p.join()
	}
}

// drop forgets the layers that came.
func (p *layers) drop() { p.collected = p.collected[:0] }

// join delivers the layers that came as one frame. One that did not open spoils those
// above it, and later pictures, so all.
func (p *layers) join() {
	if len(p.collected) == 0 {
		return
	}
	first, at, outcome := p.collected[0].unit, p.collected[0].at, Kept
	var plain [][]byte
	for _, l := range p.collected {
		switch {
		case l.outcome == Kept:
			plain = append(plain, l.data)
		case l.outcome != Empty && outcome == Kept:
			outcome = l.outcome
		}
	}
	clear(p.collected)
	p.drop()
	var data []byte
	if outcome == Kept {
		if data = p.joiner.Join(plain); len(data) == 0 {
			if outcome = Unfit; len(plain) == 0 {
				outcome = Empty
			}
		}
	}
	p.deliver(first, at, data, outcome)
}
