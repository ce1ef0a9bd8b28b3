package player

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sealtape/sealtape/playback"
)

// Config are the settings of a Player.
type Config struct {
	// Library is where recordings come from. Required.
	Library Library
	// Command is the command that opens a recording again, without its ID, for a
	// shell: "sealtape play --store ./meetings". The page shows it for copying.
	// "" means none.
	Command string
	// Formats are what a recording can be saved as, in the page's order. Nil means
	// those of Formats.
	Formats []Format
	// Log gets errors, without names. Nil means no log.
	Log *slog.Logger
	// CacheBytes is the most decrypted bytes in memory, those being read
	// included. 0 means 32 MiB.
	CacheBytes int64
	// Eager answers a segment that nothing was played before, the first one or one
	// after a jump, without reading the next one. The first picture comes sooner
	// where there is one thread. The segment's last frames end where their own
	// lengths say.
	Eager bool
	// Patience is how long the Player waits for various things.
	Patience Patience
}

const defaultCache = 32 << 20

// A Patience is how long a Player waits for various things. 0 means the usual, which
// is in parentheses.
type Patience struct {
	// Follow is how often the store is asked for news of a recording that goes
	// on (2 s). Poll is how long DescribeLater waits for news (25 s).
	Follow, Poll time.Duration
	// Next is how long a segment waits for the next one, whose first frames
	// determine where its own last ones end (300 ms). Prev is how long it waits
	// for the answer with the one before, which determines where its sound
	// begins (2 s).
	Next, Prev time.Duration
}

func (p Patience) orUsual() Patience {
	p.Follow = cmp.Or(p.Follow, 2*time.Second)
	p.Poll = cmp.Or(p.Poll, 25*time.Second)
	p.Next = cmp.Or(p.Next, 300*time.Millisecond)
	p.Prev = cmp.Or(p.Prev, 2*time.Second)
	return p
}

// A Player is safe for concurrent use.
type Player struct {
	c     Config
	log   *slog.Logger
	cache *cache

	patience Patience
	exports  chan struct{} // holds one for each export that is being made

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu     sync.Mutex
	closed bool
	shelf  []*openRecording // open recordings, most recently used first
	opened int              // how many recordings were ever opened
	failed map[string]map[int]playback.Segment
}

// New returns a Player. The caller closes it.
func New(c Config) (*Player, error) {
	if c.Library == nil {
		return nil, errors.New("no library")
	}
	if c.CacheBytes <= 0 {
		c.CacheBytes = defaultCache
	}
	if c.Formats == nil {
		c.Formats = Formats()
	}
	p := &Player{c: c, log: c.Log, failed: make(map[string]map[int]playback.Segment),
		patience: c.Patience.orUsual(), exports: make(chan struct{}, exportSlots)}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.cache = newCache(p.ctx, c.CacheBytes)
	return p, nil
}

// Prepare begins to open a recording, and to read what is played at a time on its
// clock, before a page asks. The page gets errors when it asks.
func (p *Player) Prepare(id string, at time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.wg.Go(func() {
		if t, err := p.open(p.ctx, id); err == nil {
			t.prepare(at)
		}
	})
}

// Failed returns, by recording and in order, the segments that turned out not to
// be what was recorded.
func (p *Player) Failed() map[string][]playback.Segment {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make(map[string][]playback.Segment)
	for id, segments := range p.failed {
		for _, n := range slices.Sorted(maps.Keys(segments)) {
			out[id] = append(out[id], segments[n])
		}
	}
	return out
}

func (p *Player) addFailed(id string, seg playback.Segment) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed[id] == nil {
		p.failed[id] = make(map[int]playback.Segment)
	}
	p.failed[id][seg.Number] = seg
}

// Close ends the work in the background, and waits for it. What waits for an
// answer gets an error, and so does who asks later.
func (p *Player) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.cancel()
	p.wg.Wait()
	p.cache.wait()
	return nil
}
