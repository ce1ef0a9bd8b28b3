package matrixroom

import (
	"context"
	"sync"
	"time"
)

const (
	nameTime  = 5 * time.Second // for the name that the recorder has before it is seen
	nameRetry = 30 * time.Second
)

// A namer has what the recorder is to be called in the room, which is what people see of it.
// A homeserver that does not answer holds up nobody.
type namer struct {
	wake chan struct{}
	over chan struct{} // closed by end

	setting sync.Mutex // held while the name is set
	now     string     // the name that was set; "": what it is called elsewhere

	mu     sync.Mutex
	wanted string
}

func newNamer() namer {
	return namer{wake: make(chan struct{}, 1), over: make(chan struct{})}
}

// show has the recorder be called so, soon.
func (n *namer) show(name string) {
	n.mu.Lock()
	n.wanted = name
	n.mu.Unlock()
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// set does it now.
func (n *namer) set(ctx context.Context, r *room, name string) {
	n.mu.Lock()
	n.wanted = name
	n.mu.Unlock()
	n.apply(ctx, r)
}

// apply sets the name that is wanted, if it is another than there is.
func (n *namer) apply(ctx context.Context, r *room) {
	n.setting.Lock()
	defer n.setting.Unlock()
	n.mu.Lock()
	wanted := n.wanted
	n.mu.Unlock()
	if wanted == n.now {
		return
	}
	if err := r.call.SetName(ctx, wanted); err != nil {
		if ctx.Err() == nil || wanted == "" {
			r.log.Warn("the recorder's name in the room could not be changed", "err", err)
		}
		return
	}
	n.now = wanted
}

// end lets keepName end.
func (n *namer) end() { close(n.over) }

// keepName sets the name that is wanted, until the namer's end.
func (r *room) keepName() {
	ctx, cancel := context.WithCancel(r.run)
	defer cancel()
	r.running.Go(func() {
		select {
		case <-r.name.over:
			cancel()
		case <-ctx.Done():
		}
	})
	retry := time.NewTicker(nameRetry)
	defer retry.Stop()
	for {
		select {
		case <-r.name.wake:
		case <-retry.C:
		case <-r.name.over:
			return
		}
		r.name.apply(ctx, r)
	}
}
