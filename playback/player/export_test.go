package player

import "context"

const (
	MaxOpen       = maxOpen
	ExportSlots   = exportSlots
	FrameOverhead = frameOverhead
)

var AppendSegments = appendSegments

// Held returns the bytes that are counted in the cache, now and at most, and those
// that are in it.
func (p *Player) Held() (used, peak, held int64) {
	p.cache.mu.Lock()
	defer p.cache.mu.Unlock()
	for _, e := range p.cache.entries {
		held += e.size
	}
	return p.cache.used, p.cache.peak, held
}

// Get gets a segment of the recording that was used last from the cache, and gives
// it back. It returns its size there.
func (p *Player) Get(ctx context.Context, n int) (int64, error) {
	e, err := p.cache.get(ctx, cacheKey{p.last(), n})
	if err != nil {
		return 0, err
	}
	defer p.cache.release(e)
	return e.size, nil
}

func (p *Player) last() *openRecording {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.shelf[0]
}

// Shelf returns how many recordings are open.
func (p *Player) Shelf() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.shelf)
}

// Follows reports whether the recording that was used last is being followed.
func (p *Player) Follows() bool {
	t := p.last()
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.follows
}

// Look asks the store once for news of the recording that was used last.
func (p *Player) Look() {
	t := p.last()
	t.mu.Lock()
	t.waiting++
	t.mu.Unlock()
	t.look()
}

// Exports returns how many exports are being made.
func (p *Player) Exports() int { return len(p.exports) }

// TakeExport takes the place of an export. The function gives it back.
func (p *Player) TakeExport() func() {
	p.exports <- struct{}{}
	return func() { <-p.exports }
}

// UsualPatience is how long a Player waits if it is told nothing.
func UsualPatience() Patience { return Patience{}.orUsual() }
