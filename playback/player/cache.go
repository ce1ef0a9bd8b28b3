package player

import (
	"context"
	"sync"

	"github.com/sealtape/sealtape/playback"
)

const (
	// readsAtOnce is how many segments are read at once.
	readsAtOnce = 4
	// firstGuess is the assumed size of a segment before one was read: recorders
	// cut segments at this many bytes.
	firstGuess = 8 << 20
	// frameOverhead is the memory that a frame takes besides its bytes.
	frameOverhead = 128
)

// A cache holds segments that were read. It reads each once, however many callers
// ask for it. By an estimate, its segments and those being read stay within
// limit; a single segment may be larger.
type cache struct {
	ctx   context.Context // ends all reading
	limit int64
	reads chan struct{}
	wg    sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	entries map[cacheKey]*entry
	used    int64
	peak    int64         // the highest value of used so far
	largest int64         // of the segments read so far
	clock   int64         // counts uses
	freed   chan struct{} // closed when there is room again
}

type cacheKey struct {
	t *openRecording
	n int
}

// An entry is a segment that is being read, or was.
type entry struct {
	key    cacheKey
	cancel context.CancelFunc
	done   chan struct{} // closed when media and err are there
	media  *playback.SegmentMedia
	err    error
	size   int64
	users  int   // how many wait for it or use it: it stays until 0
	ahead  bool  // read before anyone asked
	used   int64 // on the cache's clock
}

func newCache(ctx context.Context, limit int64) *cache {
	return &cache{ctx: ctx, limit: limit, reads: make(chan struct{}, readsAtOnce),
		entries: make(map[cacheKey]*entry), freed: make(chan struct{})}
}

// wait waits for all reading to end, after the cache's context has.
func (c *cache) wait() {
	c.mu.Lock()
	c.closed = true // no further reading begins
	c.mu.Unlock()
	c.wg.Wait()
}

// get returns a segment. The caller must release it.
func (c *cache) get(ctx context.Context, key cacheKey) (*entry, error) {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil, errClosed
	}
	e := c.entry(key)
	e.users++
	c.mu.Unlock()
	select {
	case <-e.done:
	case <-ctx.Done():
		c.release(e)
		return nil, ctx.Err()
	}
	if e.err != nil {
		c.release(e)
		return nil, e.err
	}
	return e, nil
}

// release gives an entry back. If it is still being read and nobody else waits
// for it, reading it stops.
func (c *cache) release(e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.users--
	c.drop(e)
	c.wake()
}

// drop stops reading an entry that nobody wants. The caller holds the lock.
func (c *cache) drop(e *entry) {
	if e.users > 0 || e.ahead {
		return
	}
	select {
	case <-e.done:
	default:
		e.cancel()
		// A later caller must not wait for a read that was given up.
		if c.entries[e.key] == e {
			delete(c.entries, e.key)
		}
	}
}

// readAhead begins to read the given segments of t. It stops earlier read-aheads
// for which keep returns false.
func (c *cache) readAhead(t *openRecording, numbers []int, keep func(n int) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, e := range c.entries {
		if key.t == t && e.ahead && !keep(key.n) {
			e.ahead = false
			c.drop(e)
		}
	}
	for _, n := range numbers {
		if !c.closed {
			c.entry(cacheKey{t, n}).ahead = true
		}
	}
}

// forget drops the cached segments of a recording, and stops reading ahead in it.
func (c *cache) forget(t *openRecording) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, e := range c.entries {
		if key.t != t {
			continue
		}
		e.ahead = false
		c.drop(e)
		if e.users == 0 {
			c.evict(e)
		}
	}
	c.wake()
}

// entry returns the entry of key. If there is none, it begins to read it. The
// caller holds the lock.
func (c *cache) entry(key cacheKey) *entry {
	c.clock++
	e := c.entries[key]
	if e == nil {
		ctx, cancel := context.WithCancel(c.ctx)
		e = &entry{key: key, cancel: cancel, done: make(chan struct{})}
		c.entries[key] = e
		c.wg.Go(func() {
			defer cancel()
			c.read(ctx, e)
		})
	}
	e.used = c.clock
	return e
}

// read reads an entry's segment once there is room for it.
func (c *cache) read(ctx context.Context, e *entry) {
	media, err := (*playback.SegmentMedia)(nil), c.reserve(ctx, e)
	if err == nil {
		select {
		case c.reads <- struct{}{}:
			media, err = e.key.t.read(ctx, e.key.n)
			<-c.reads
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil && ctx.Err() != nil {
		media, err = nil, ctx.Err()
	}
	size := int64(0)
	if err == nil {
		size = int64(media.Size) + frameOverhead*int64(len(media.Frames))
		c.largest = max(c.largest, size)
	}
	c.add(size - e.size)
	e.media, e.err, e.size = media, err, size
	if err != nil && c.entries[e.key] == e {
		delete(c.entries, e.key) // another try may succeed
	}
	close(e.done)
	c.shrink(0)
	c.wake()
}

// reserve waits until there is room for a segment of the usual size.
func (c *cache) reserve(ctx context.Context, e *entry) error {
	for {
		c.mu.Lock()
		guess := min(c.limit, firstGuess)
		if c.largest > 0 {
			guess = min(c.limit, c.largest)
		}
		if c.shrink(guess) {
			e.size = guess
			c.add(guess)
			c.mu.Unlock()
			return nil
		}
		freed := c.freed
		c.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// shrink makes room for n more bytes, by removing the least recently used
// entries. The caller holds the lock.
func (c *cache) shrink(n int64) bool {
	for c.used+n > c.limit {
		var oldest *entry
		for _, e := range c.entries {
			if e.users == 0 && e.media != nil && (oldest == nil || e.used < oldest.used) {
				oldest = e
			}
		}
		if oldest == nil {
			return false
		}
		c.evict(oldest)
	}
	return true
}

// evict removes an entry that was read and that nobody uses.
func (c *cache) evict(e *entry) {
	if e.media != nil && c.entries[e.key] == e {
		delete(c.entries, e.key)
		c.add(-e.size)
	}
}

func (c *cache) add(n int64) {
	c.used += n
	c.peak = max(c.peak, c.used)
}

// wake lets callers that wait for room look again.
func (c *cache) wake() {
	close(c.freed)
	c.freed = make(chan struct{})
}
