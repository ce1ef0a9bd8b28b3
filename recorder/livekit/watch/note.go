package watch

import (
	"context"
	"encoding/json"
	"time"

	lkproto "github.com/livekit/protocol/livekit"
)

// What a Watcher remembers of a room's recordings is lost with it, and a recorder on another
// host cannot know what the one before recorded. So the server keeps it, as it keeps Off: in a
// dispatch for an agent whom no worker ever is, which ends with the room. Whoever may list the
// dispatches of a room may read it, and who may make some may make one: both can ask for the
// same of the room's members, and show a recorder what they like, so it tells nobody anything
// new, and lends no word any weight. A recorder takes it for the server's.

// noted is the name of the agent that nobody is, and whose dispatches are notes.
func noted(agent string) string { return agent + "-recording" }

const (
	// maxNotes bounds how many notes of a room are looked at.
	maxNotes = 64
	// notesAtOnce is how many are made at once, and notesPerSecond how many more thereafter. A
	// server looks for whoever may do a job in 50 places, and in each minute once it may hold one
	// of them for 5 s to find that nobody does.
	notesAtOnce    = 10
	notesPerSecond = 2
)

// A Note says which recording was made in a room when it was made.
type Note struct {
	// ID is that of the dispatch that the note is.
	ID        string
	Recording string
	Made      time.Time
}

// noteJSON is what its metadata are.
type noteJSON struct {
	Recording string `json:"recording"`
}

// noteOf reads a note. One that is none has no Recording.
func noteOf(d *lkproto.AgentDispatch) Note {
	n := Note{ID: d.GetId(), Made: fromNano(d.GetState().GetCreatedAt())}
	var said noteJSON
	if m := d.GetMetadata(); len(m) <= maxText && json.Unmarshal([]byte(m), &said) == nil && len(said.Recording) <= maxRecording {
		n.Recording = said.Recording
	}
	return n
}

// note returns what is to be noted in a room, "" for nothing, and the notes that say nothing
// any more once that was done.
func (t *trail) note(r *Room) (what string, old []Note) {
	n := len(r.Notes)
	t.noted = n > 0 && t.last != "" && r.Notes[n-1].Recording == t.last
	switch {
	case t.over && len(r.Recorders) == 0:
		return "", r.Notes
	case t.noted:
		return "", r.Notes[:n-1]
	case t.current:
		return t.last, r.Notes
	}
	return "", nil // another Watcher may know more
}

// keep makes a note, if there is one to make, and then deletes those of before. It reports
// whether it made one. What fails is tried again at the next look.
func (w *Watcher) keep(ctx context.Context, r *Room, what string, old []Note) (made bool) {
	log := w.c.Log.With("sid", r.SID)
	if what != "" {
		b, err := json.Marshal(noteJSON{what})
		if err == nil {
			_, err = w.c.Server.Dispatch(ctx, r.Name, noted(w.c.Agent), string(b))
		}
		if err != nil {
			if ctx.Err() == nil && !NoRoom(err) {
				w.counts.failures.Add(1)
				log.Warn("it could not be noted which recording a room has", "err", err)
			}
			return false
		}
		log.Debug("it was noted which recording a room has", "id", what)
	}
	for _, n := range old {
		if err := w.c.Server.Delete(ctx, r.Name, n.ID); err != nil && ctx.Err() == nil && !NoRoom(err) { // another Watcher did, or the room is closed
			w.counts.failures.Add(1)
			log.Warn("a note of another recording could not be deleted", "dispatch", n.ID, "err", err)
		}
	}
	return what != ""
}
