package watch

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"time"
)

// A server lists a member whose host died for some 20 s more. To compare all rooms often
// enough to see at once that they are gone would cost a server with thousands of rooms more
// than all else that is asked of it. So one recorder of each host is asked, at every
// comparison, whether it is there; where none answers, the host's rooms are looked at each
// second, for as long as a dead member may be listed.

const (
	// suspectFor is how long the rooms of a host that does not answer are looked at often.
	suspectFor = 30 * time.Second
	// suspectEvery is how often.
	suspectEvery = time.Second
	// maxHosts bounds how many hosts are asked at one comparison. Others have their turn later.
	maxHosts = 1024
)

// A post is where somebody records.
type post struct{ room, identity, visit string }

// posts returns the rooms with one recorder, by the words of the recorder's card: each host
// has its own. The caller holds w.mu.
func (w *Watcher) posts() map[string][]post {
	hosts := make(map[string][]post)
	for name, k := range w.known {
		if words := k.recorder.Words; k.by == 1 && words != "" && (hosts[words] != nil || len(hosts) < maxHosts) {
			hosts[words] = append(hosts[words], post{name, k.recorder.Identity, visit(&k.recorder)})
		}
	}
	return hosts
}

// callRoll asks one recorder of each host whether it is there, beside all else. It is called
// again only when that is over.
func (w *Watcher) callRoll(ctx context.Context) {
	w.mu.Lock()
	hosts := w.posts()
	w.mu.Unlock()
	if len(hosts) == 0 || !w.calling.CompareAndSwap(false, true) {
		return
	}
	w.calls.Go(func() {
		defer w.calling.Store(false)
		each(ctx, slices.Collect(maps.Keys(hosts)), func(words string) {
			nobody, somebody := w.silent(ctx, words, hosts[words])
			w.suspect(words, nobody, somebody)
		})
	})
}

// silent returns at which of a host's posts nobody is, as far as that can be told by asking
// two, since one that crashed is not the host; and at which somebody is. What the server does
// not say is neither.
func (w *Watcher) silent(ctx context.Context, words string, posts []post) (nobody, somebody []post) {
	rand.Shuffle(len(posts), func(i, j int) { posts[i], posts[j] = posts[j], posts[i] })
	w.mu.Lock()
	doubted := w.hosts[words] != nil && w.hosts[words].lost
	w.mu.Unlock()
	for n, p := range posts[:min(len(posts), 2)] {
		switch ok, err := w.c.Server.Answers(ctx, p.room, p.identity); {
		case err != nil:
			return nil, nil
		case ok && (n > 0 || doubted) && !w.stays(ctx, p):
			return nil, nil // it is another one, of another host, under the room's identity
		case ok:
			return posts[:n], posts[n:]
		}
	}
	return posts, nil
}

// stays reports whether the server lists who was at a post still.
func (w *Watcher) stays(ctx context.Context, p post) bool {
	who, err := w.c.Server.Participants(ctx, p.room)
	if err != nil {
		return false
	}
	r := Room{Name: p.room}
	r.present(who)
	return len(r.Recorders) == 1 && visit(&r.Recorders[0]) == p.visit
}

// suspect has rooms looked at often for a while, where nobody is at the post, and others no
// more than ever.
func (w *Watcher) suspect(words string, nobody, somebody []post) {
	now, n := time.Now(), 0
	w.mu.Lock()
	if len(nobody)+len(somebody) > 0 {
		w.answers(now, words, len(somebody) > 0)
	}
	for _, p := range somebody {
		if k := w.known[p.room]; k != nil {
			k.suspect = time.Time{}
		}
	}
	for _, p := range nobody {
		if k := w.known[p.room]; k != nil && k.by == 1 && k.recorder.Identity == p.identity {
			k.suspect, k.again, n = now.Add(suspectFor), now, n+1
		}
	}
	w.mu.Unlock()
	if n > 0 {
		w.c.Log.Info("a recorder does not answer: rooms of its host are looked at often for a while", "rooms", n)
		w.stir()
	}
}

// stillThere reports whether a recorder that is suspected to be dead is still listed. Then
// there is nothing else to see.
func (w *Watcher) stillThere(ctx context.Context, r *Room) bool {
	now := time.Now()
	w.mu.Lock()
	k := w.known[r.Name]
	if k == nil || k.sid != r.SID || k.by != 1 || !now.Before(k.suspect) {
		w.mu.Unlock()
		return false
	}
	suspected := visit(&k.recorder)
	w.mu.Unlock()
	if !w.stays(ctx, post{room: r.Name, visit: suspected}) {
		return false
	}
	w.mu.Lock()
	k.again = now.Add(suspectEvery)
	w.mu.Unlock()
	return true
}
