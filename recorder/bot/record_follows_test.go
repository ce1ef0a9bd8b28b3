package bot_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// A recording goes on with the meeting of the one before it, also where one in between was
// stopped before it kept anything, which none follows.
func TestRecordFollows(t *testing.T) {
	r := newRecordTest(t)
	synctest.Test(t, func(t *testing.T) {
		record := func(notice bool) (id, follows string) {
			r.enter(t)
			if notice {
				r.room.telling = make(chan struct{})
			}
			var log bytes.Buffer
			r.config.Log = slog.New(slog.NewTextHandler(&log, nil))
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			done := make(chan error)
			go func() { _, err := bot.Record(ctx, r.config); done <- err }()
			if notice {
				<-r.room.telling
			} else {
				r.room.Join("ada", "Ada")
				r.room.speak("ada", 3*time.Second)
			}
			stop()
			if err := <-done; notice != errors.Is(err, bot.ErrNothingRecorded) || !notice && err != nil {
				t.Error(err)
			}
			_, follows, _ = strings.Cut(log.String(), `"goes on with the meeting of another recording" id=`)
			follows, _, _ = strings.Cut(follows, "\n")
			return r.began[len(r.began)-1], follows
		}
		first, none := record(false)
		_, stopped := record(true)
		third, before := record(false)
		_, last := record(false)
		if none != "" || stopped != first || before != first || last != third {
			t.Errorf("they follow %q, %q, %q, %q; the first is %s, the third %s", none, stopped, before, last, first, third)
		}
	})
}

// What the room's server says of a recording before is in the timeline as its word, once, if
// it can be an ID, and the home knows nothing better.
func TestToldBefore(t *testing.T) {
	const one, other = "F2JE7ZY04P971PR0YHVBFNECP0", "F2JE7ZY04P971PR0YHVBFNECP1"
	r := newRecordTest(t)
	synctest.Test(t, func(t *testing.T) {
		record := func(early string, late ...string) (id string, follows []media.Event) {
			r.enter(t)
			begun := make(chan string, 1)
			r.config.Begun = func(id string) { begun <- id }
			meets := func() {
				r.room.Join("ada", "Ada")
				r.room.speak("ada", time.Second)
				own := <-begun
				for _, id := range late {
					if id == "its own" {
						id = own
					}
					r.room.presence.Before(id)
				}
				r.room.speak("ada", 5*time.Second)
				r.room.End("everyone left")
			}
			join := r.config.Meeting.Join
			r.config.Meeting.Join = func(ctx context.Context, p bot.Presence) (bot.Room, error) {
				if early != "" {
					p.Before(early)
				}
				room, err := join(ctx, p)
				go meets()
				return room, err
			}
			result, err := bot.Record(t.Context(), r.config)
			if err != nil {
				t.Fatal(err)
			}
			rec := r.opened(result.ID)
			for n := range rec.Segments() {
				plain, err := rec.ReadSegment(t.Context(), n)
				if err != nil {
					t.Fatal(err)
				}
				segment, err := matroska.NewReader(bytes.NewReader(plain))
				if err != nil {
					t.Fatal(err)
				}
				for block, err := segment.Next(); err != io.EOF; block, err = segment.Next() {
					if err != nil {
						t.Fatal(err)
					}
					if e := block.Event; e != nil && e.Type == media.EventFollows {
						follows = append(follows, *e)
					} else if e != nil && e.Type == media.EventStart && e.Name != "RM_1" {
						t.Errorf("it starts in the meeting %q", e.Name)
					}
				}
			}
			return result.ID, follows
		}
		told := func(follows []media.Event, id string) bool {
			return len(follows) == 1 && follows[0].Text == id && follows[0].Reason == media.FollowsServer
		}
		if _, follows := record(one); !told(follows, one) {
			t.Errorf("told before it joined: %+v", follows)
		}
		if _, follows := record("", "../"+one, "", strings.Repeat("F", 1<<16), "its own", one, other, one); !told(follows, one) {
			t.Errorf("told in the middle: %+v", follows)
		}
		if _, follows := record("no ID"); len(follows) != 0 {
			t.Errorf("told something else: %+v", follows)
		}
	})
}
