//go:build unix

package main

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/recorder/livekit/agent"
	"github.com/sealtape/sealtape/testdata/members"
)

// A rogue is a worker of somebody who has the API secret and nothing else.
type rogue struct{ got chan agent.Assignment }

func (rogue) Offered(agent.Job) agent.Answer {
	return agent.Answer{Accept: true, Identity: "sealtape", Name: "Fleet"}
}
func (r rogue) Assigned(a agent.Assignment) { r.got <- a }
func (rogue) Terminated(string)             {}
func (rogue) Load() agent.Load              { return agent.Load{} }

// TestFleetRogue: who has the API secret can register as the fleet's worker, and take a room.
// It is told nothing but the policy's name: no key, no reader, no store; and the fleet records
// the room as soon as that worker is gone. What it says of recordings before is the server's
// word, and brings together nothing that does not belong together.
func TestFleetRogue(t *testing.T) {
	f := newFleetLab(t)
	token, err := members.AgentToken(f.lk.APIKey, f.lk.APISecret)
	if err != nil {
		t.Fatal(err)
	}
	r := rogue{got: make(chan agent.Assignment, 1)}
	w, err := agent.New(agent.Config{URL: f.lk.URL, Name: f.agent, Handler: r,
		Token: func(context.Context) (string, error) { return token, nil }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(f.ctx)
	ended := make(chan struct{})
	go func() { defer close(ended); _ = w.Run(ctx) }() // its error is that of ctx
	defer func() { stop(); <-ended }()
	f.until("the rogue is registered", func() bool { return w.State().Registered })
	room := f.room("weekly")
	f.silent(room)
	f.dispatch(room, "weekly")
	var assigned agent.Assignment
	select {
	case assigned = <-r.got:
	case <-f.ctx.Done():
		t.Fatal("the server offered it nothing")
	}
	if assigned.Metadata != `{"policy":"weekly"}` {
		t.Errorf("it was told %q", assigned.Metadata)
	}
	for _, secret := range []string{labPassphrase, f.store, "Fleet", f.lk.APISecret} {
		if strings.Contains(fmt.Sprintf("%+v", assigned), secret) {
			t.Errorf("it was told %q", secret)
		}
	}
	stop()
	<-ended
	watcher := f.watcher()
	all := f.workers(1, "--drain", "0")
	other := f.room("board") // is recorded meanwhile, since somebody asks for that
	f.silent(other)
	f.dispatch(other, "weekly")
	f.recorded(other, 1)
	shows := f.recorded(room, 1)[0].Identity
	f.until("two recordings", func() bool { return len(all[0].ids()) == 2 })
	if strings.Contains(watcher.stderr(), f.lk.APISecret) {
		t.Error("the log has the secret")
	}

	var first, second string // of the other room, and of this one
	f.slowly("both recordings say of which room they are", func() bool {
		of := f.parts(all[0].home)
		if len(of[room]) != 1 || len(of[other]) != 1 {
			return false
		}
		first, second = of[other][0].ID, of[room][0].ID
		return true
	})
	for _, id := range []string{"../" + first, strings.Repeat("F", 10000), second, first, "F2JE7ZY04P971PR0YHVBFNECP0"} {
		if err := f.api.Show(f.ctx, room, shows, map[string]string{"sealtape.follows": id}); err != nil {
			t.Fatal(err)
		}
	}
	var told part
	f.slowly("the recording says what it was told", func() bool {
		if of := f.parts(all[0].home)[room]; len(of) == 1 {
			told = of[0]
		}
		return told.Follows != ""
	})
	if told.Follows != first || told.FollowsBy != "server" || len(told.Meeting.Parts) != 0 || !strings.Contains(told.Meeting.Problem, "which is of another room") {
		t.Errorf("%+v", told)
	}
}
