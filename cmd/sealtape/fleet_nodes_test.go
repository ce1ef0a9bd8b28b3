//go:build unix

package main

import (
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/sealtape/sealtape/testdata/media"
	"github.com/sealtape/sealtape/testdata/members"
	"github.com/sealtape/sealtape/testdata/sample"
	"github.com/sealtape/sealtape/testdata/servers"
)

// balance passes each connection to the nodes in turn, or to the next if one is gone, as what
// stands before a cluster does. It returns the URL of all.
func balance(t *testing.T, nodes []*servers.LiveKit) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var passing sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	passing.Go(func() {
		for turn := 0; ; turn++ {
			from, err := l.Accept()
			if err != nil {
				return
			}
			var to net.Conn
			for i := range nodes {
				if to, err = net.Dial("tcp", strings.TrimPrefix(nodes[(turn+i)%len(nodes)].URL, "ws://")); err == nil {
					break
				}
			}
			if err != nil {
				_ = from.Close()
				continue
			}
			mu.Lock()
			conns = append(conns, from, to)
			mu.Unlock()
			passing.Go(func() { _, _ = io.Copy(to, from); _ = to.Close() })
			passing.Go(func() { _, _ = io.Copy(from, to); _ = from.Close() })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range conns { // some are idle, and stay for long
			_ = c.Close()
		}
		mu.Unlock()
		passing.Wait()
	})
	return "ws://" + l.Addr().String()
}

// stays keeps somebody who speaks in a room, who joins again when the room is lost.
func (f *fleetLab) stays(room string) {
	f.t.Helper()
	c := members.Config{URL: f.lk.URL, APIKey: f.lk.APIKey, APISecret: f.lk.APISecret, Room: room, Identity: "ada", Name: "Ada", Passphrase: labPassphrase, Audio: media.Speech(0)}
	m, err := members.Join(f.ctx, c)
	if err != nil {
		f.t.Fatal(err)
	}
	over, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		for {
			select {
			case <-over:
				_ = m.Leave() // the node that it was at may have died
				return
			case <-m.Done():
				_ = m.Leave()
				if again, err := members.Join(f.ctx, c); err == nil {
					m = again
				} else if f.ctx.Err() != nil {
					return
				}
			}
		}
	}()
	f.t.Cleanup(func() { close(over); <-gone })
}

// TestFleetNodes: of two nodes of one cluster one dies, with the rooms and the workers that were
// connected to it. In the end one recorder records each room, and all of them are found. The
// members come back after some 20 s, into a room made anew; webhooks say so.
func TestFleetNodes(t *testing.T) {
	inRealTime(t)
	l := newDesk(t)
	l.bin = filepath.Join(l.bin, plain)
	redis, err := servers.StartRedis(l.ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(redis.Kill)
	hooks := freeAddrs(t, 1)
	var nodes []*servers.LiveKit
	for range 2 {
		c := servers.LiveKitConfig{Redis: redis, Webhooks: []string{"http://" + hooks[0] + "/"}}
		if len(nodes) > 0 {
			c.Beside = nodes[0]
		}
		node, err := servers.StartLiveKit(l.ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(node.Kill)
		nodes = append(nodes, node)
	}
	lk := *nodes[0]
	lk.URL = balance(t, nodes)
	l.lk = &lk
	f := fleetLabOf(l)
	n := 4
	if sample.All() {
		n = 12
	}
	homes := f.homes(2)
	bob := f.audience(homes)
	var all []*workerProcess
	for _, home := range homes {
		all = append(all, f.worker(home, "--max-rooms", fmt.Sprint(n), "--drain", "0"))
	}
	watcher := f.watcher("--every", "10s", "--webhook-listen", hooks[0])
	var rooms []string
	for i := range n {
		rooms = append(rooms, f.room(fmt.Sprintf("weekly %d", i)))
		f.stays(rooms[i])
	}
	f.told = func() string { return f.story(rooms, append(all, watcher)...) }
	f.hosts(bob, rooms, all)
	before := f.parts(bob)
	nodes[0].Kill()
	// Whether the recorders come back by themselves or others are sent: more is kept of each
	// room, and one records it.
	f.slowly("all rooms are recorded on", func() bool {
		now := f.parts(bob)
		for _, room := range rooms {
			if len(now[room]) == 0 || !f.end(now[room][len(now[room])-1]).After(f.end(before[room][0]).Add(pts(3))) || len(f.recorders(room)) != 1 {
				return false
			}
		}
		return true
	})
	for _, room := range rooms {
		f.recorded(room, 1)
	}
	f.follows(bob, rooms)
	for i, w := range append(all, watcher) {
		if code := w.stop(syscall.SIGTERM); code != 0 {
			t.Errorf("%d: exit code %d\n%s", i, code, w.stderr())
		}
	}
	t.Log(f.settles(bob, rooms))
	if t.Failed() {
		t.Log(f.story(nil, append(all, watcher)...))
	}
}
