package member_test

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sealtape/sealtape/keys/member"
	"github.com/sealtape/sealtape/testdata/sample"
)

// Whoever comes back in the same session has lost what it knew of the others, who need not
// have noticed. It knows them as soon as one hello of it is heard: they see that it does not
// have theirs.
func TestBackInTheSameSession(t *testing.T) {
	meet(t, func(t *testing.T, r *room) {
		ada, ben := generate(t, "Ada"), generate(t, "Ben")
		a := r.join("ada", ada, pins(t, ben))
		b := r.join("ben", ben, pins(t, ada))
		pass(5 * time.Second)
		lost := true // the first thing that is said to who comes back, and the first that it says
		r.tampering(func(p packet) []packet {
			if lost {
				return nil
			}
			return []packet{p}
		})
		a.Left("ben")
		a.Joined("ben")
		pass(time.Millisecond)
		lost = false
		a.want(t, map[string]member.Standing{"ben": member.Unknown})
		pass(3 * time.Second) // it says hello again after 2 s
		a.want(t, map[string]member.Standing{"ben": member.Verified})
		b.want(t, map[string]member.Standing{"ada": member.Verified})
		if len(a.troubles)+len(b.troubles) > 0 {
			t.Errorf("troubles %v %v", a.troubles, b.troubles)
		}
	})
}

// What is said before a client can hear is lost, and costs nothing: that who comes says hello
// is answered with all that it lacks.
func TestDeafAtFirst(t *testing.T) {
	meet(t, func(t *testing.T, r *room) {
		ada, ben := generate(t, "Ada"), generate(t, "Ben")
		a := r.join("ada", ada, pins(t, ben))
		pass(5 * time.Second)
		r.tampering(func(p packet) []packet {
			if p.kind() == "hello" && p.from == "ada" && bytes.Contains(p.data, []byte("\nanswers: -\n")) {
				return nil
			}
			return []packet{p}
		})
		b := r.join("ben", ben, pins(t, ada))
		pass(100 * time.Millisecond)
		a.want(t, map[string]member.Standing{"ben": member.Verified})
		b.want(t, map[string]member.Standing{"ada": member.Verified})
	})
}

// A hello that has the receiver's nonce is answered by a proof alone, so that two do not greet
// each other without an end; and one that comes again and again by few.
func TestHellosEnd(t *testing.T) {
	meet(t, func(t *testing.T, r *room) {
		ada, ben := generate(t, "Ada"), generate(t, "Ben")
		a := r.join("ada", ada, pins(t, ben))
		b := r.join("ben", ben, pins(t, ada))
		pass(time.Minute)
		for _, way := range [][2]string{{"ada", "ben"}, {"ben", "ada"}} {
			if n := len(r.of("hello", way[0], way[1])); n > 3 { // to all, as the other came, and in answer
				t.Errorf("%s said hello to %s %d times", way[0], way[1], n)
			}
		}
		// Who said hello first, and knew of no other's, is not always the same.
		hellos := append(r.of("hello", "ada", "ben"), r.of("hello", "ben", "ada")...)
		hello := hellos[slices.IndexFunc(hellos, func(p packet) bool {
			return bytes.Contains(p.data, []byte("\nanswers: -\n"))
		})]
		before := len(r.of("hello", hello.to, hello.from))
		for range 20 {
			r.inject(hello)
			pass(50 * time.Millisecond)
		}
		if n := len(r.of("hello", hello.to, hello.from)) - before; n < 1 || n > 2 {
			t.Errorf("20 hellos in a second were answered by %d", n)
		}
		a.want(t, map[string]member.Standing{"ben": member.Verified})
		b.want(t, map[string]member.Standing{"ada": member.Verified})
	})
}

// A browser that lost its connection, and whom the others never missed, knows them by one hello
// more; and it tells those who have lost its own.
func TestBrowserComesBack(t *testing.T) {
	t.Parallel()
	s := startScript(t, "weekly", "ada")
	s.must("generate", map[string]any{"name": "Ada"}, nil)
	var mu sync.Mutex
	var hellos []bool // by either: whether it answers one
	changed := make(chan struct{}, 1)
	count := func(data []byte) {
		mu.Lock()
		defer mu.Unlock()
		if bytes.HasPrefix(data, []byte("sealtape.v1/hello\n")) {
			hellos = append(hellos, !bytes.Contains(data, []byte("\nanswers: -\n")))
		}
	}
	ben, err := member.New(member.Config{Room: "weekly", SID: func() string { return "RM_weekly" }, Identity: "ben", Key: generate(t, "Ben"), Judge: judge{},
		Send: func(_ context.Context, _ []string, data []byte) error {
			count(data)
			s.hears("ben", data)
			return nil
		},
		Notify: func(member.Event) { wake(changed) }})
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	s.send = func(_ []string, data []byte) {
		count(data)
		ben.Receive("ada", data)
	}
	s.mu.Unlock()
	s.must("start", nil, nil)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); ben.Run(ctx) }()
	defer func() { cancel(); <-done }() // before node ends
	inTime := sample.Context(t)
	both := func(what string) {
		t.Helper()
		for {
			var seen struct{ Peers []struct{ Standing string } }
			s.must("peers", nil, &seen)
			if len(seen.Peers) == 1 && seen.Peers[0].Standing == "claimed" && ben.Peer("ada").Standing == member.Claimed {
				return
			}
			select {
			case <-s.told:
			case <-changed:
			case <-inTime.Done():
				t.Fatalf("%s: Ada sees %+v, Ben %s", what, seen.Peers, ben.Peer("ada").Standing)
			}
		}
	}
	ben.Joined("ada")
	s.must("joined", map[string]any{"identity": "ben"}, nil)
	both("both have come")
	again := func(what string, back func()) {
		t.Helper()
		mu.Lock()
		hellos = nil
		mu.Unlock()
		back()
		both(what)
		mu.Lock()
		defer mu.Unlock()
		// One may be on its way from before, one lost, and one said again meanwhile.
		if n := slices.Index(hellos, true); n < 0 || n > 3 {
			t.Errorf("%s: %d hellos, and the first that answers one is %d", what, len(hellos), n)
		}
	}
	again("Ada is back", func() { s.must("back", map[string]any{"identity": "ben"}, nil) })
	again("Ben is back", func() {
		ben.Left("ada")
		ben.Joined("ada")
	})
}
