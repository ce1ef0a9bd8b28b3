package network

import (
	"container/heap"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

const (
	maxQueue   = 8192 // packets on their way in one direction; more are dropped
	maxBacklog = 500 * time.Millisecond
	dupSpread  = 20 * time.Millisecond
)

// A Link is one direction of a Client's way. It is safe for concurrent use.
type Link struct {
	n    *Network
	wake chan struct{}

	mu     sync.Mutex
	rand   *rand.Rand
	imp    Impairment
	bad    bool // the burst's state
	isCut  bool
	queue  queue
	number uint64    // of the last packet queued
	last   time.Time // when the packet before arrives: jitter does not overtake
	free   time.Time // when the capped line is free again
	counts Counts
}

// A packet is on its way.
type packet struct {
	data   []byte
	kind   Kind
	due    time.Time
	number uint64 // first come, first served
	send   func([]byte)
}

func newLink(n *Network, name string) *Link {
	h := fnv.New64a()
	h.Write([]byte(name))
	return &Link{n: n, wake: make(chan struct{}, 1), rand: rand.New(rand.NewPCG(n.c.Seed, h.Sum64()))}
}

// Set makes the direction behave so from now on. Packets on their way are not
// concerned.
func (l *Link) Set(i Impairment) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.imp = i
}

// Counts returns what was counted so far.
func (l *Link) Counts() Counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.counts
}

func (l *Link) cut(c bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.isCut = c
}

func (l *Link) delay() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.imp.Delay
}

// pass sends data on, now or later or never. It keeps a copy.
func (l *Link) pass(data []byte, send func([]byte)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	kind, now := kindOf(data), time.Now()
	l.counts.Came++
	if l.lost() {
		l.counts.Dropped[kind]++
		return
	}
	due := now
	if l.imp.Rate > 0 {
		if l.free.Sub(now) > maxBacklog {
			l.counts.Dropped[kind]++
			return
		}
		if l.free.Before(now) {
			l.free = now
		}
		l.free = l.free.Add(time.Duration(len(data)*8) * time.Second / time.Duration(l.imp.Rate))
		due = l.free
	}
	due = due.Add(l.imp.Delay)
	if l.imp.Jitter > 0 {
		due = due.Add(time.Duration(l.rand.Int64N(int64(l.imp.Jitter))))
	}
	if due.Before(l.last) {
		due = l.last
	}
	if l.imp.Reorder > 0 && l.rand.Float64() < l.imp.Reorder {
		l.counts.Reordered++
		due = due.Add(l.imp.ReorderBy)
	} else {
		l.last = due
	}
	if len(l.queue) == 0 && !due.After(now) {
		l.counts.Passed[kind]++
		send(data)
	} else {
		l.put(packet{data: slices.Clone(data), kind: kind, due: due, send: send})
	}
	if l.imp.Duplicate > 0 && l.rand.Float64() < l.imp.Duplicate {
		l.counts.Duplicated++
		l.put(packet{data: slices.Clone(data), kind: kind, due: due.Add(time.Duration(l.rand.Int64N(int64(dupSpread)))), send: send})
	}
}

// lost draws a packet's fate. Each packet draws the same number of times, so
// that a change of one probability does not change the other's draws.
func (l *Link) lost() bool {
	alone, turn, burst := l.rand.Float64(), l.rand.Float64(), l.rand.Float64()
	if l.bad {
		l.bad = turn >= l.imp.Burst.Leave
	} else {
		l.bad = turn < l.imp.Burst.Enter
	}
	return l.isCut || alone < l.imp.Loss || l.bad && burst < l.imp.Burst.Loss
}

func (l *Link) put(p packet) {
	if len(l.queue) >= maxQueue {
		l.counts.Dropped[p.kind]++
		return
	}
	l.number++
	p.number = l.number
	heap.Push(&l.queue, p)
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// run sends what is due, until the Network is closed.
func (l *Link) run() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		wait := time.Hour
		l.mu.Lock()
		for now := time.Now(); len(l.queue) > 0; {
			if wait = l.queue[0].due.Sub(now); wait > 0 {
				break
			}
			p := heap.Pop(&l.queue).(packet)
			if l.isCut {
				l.counts.Dropped[p.kind]++
			} else {
				l.counts.Passed[p.kind]++
				p.send(p.data)
			}
			wait = time.Hour
		}
		l.mu.Unlock()
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-l.wake:
		case <-l.n.closed:
			return
		}
	}
}

// A queue is a heap of packets by when they are due.
type queue []packet

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	if q[i].due.Equal(q[j].due) {
		return q[i].number < q[j].number
	}
	return q[i].due.Before(q[j].due)
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(packet)) }
func (q *queue) Pop() any {
	old := *q
	p := old[len(old)-1]
	old[len(old)-1] = packet{}
	*q = old[:len(old)-1]
	return p
}
