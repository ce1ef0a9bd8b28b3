package bot_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storetest"
	"github.com/sealtape/sealtape/recorder/bot"
)

// A goneStore can hang: it takes nothing and tells of no failure.
type goneStore struct {
	storetest.Mem
	hung atomic.Bool
}

func (s *goneStore) Put(ctx context.Context, name string, b archive.Blob) error {
	if s.hung.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	return s.Mem.Put(ctx, name, b)
}

// Whoever ends a recording of which a store went away is told why that did not take
// the rest, and not that nobody waited for it; of one that only hangs, that it does.
func TestRecordStoreGone(t *testing.T) {
	refused := errors.New("connection refused")
	for _, tt := range []struct {
		name, want string
		set        func(*goneStore)
	}{
		{"gone", ": gone: ", func(gone *goneStore) {
			gone.OnGet = func(string, []byte) ([]byte, error) { return nil, refused }
			gone.OnPut = func(string) (bool, error) { return false, refused }
		}},
		{"hung", ": gone: it did not take all in time", func(gone *goneStore) { gone.hung.Store(true) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRecordTest(t)
			gone := new(goneStore)
			r.config.Stores = append(r.config.Stores, bot.Store{Store: gone, Name: "gone"})
			var log bytes.Buffer
			r.config.Log = slog.New(slog.NewTextHandler(&log, nil))
			synctest.Test(t, func(t *testing.T) {
				r.enter(t)
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				done := make(chan error)
				go func() { _, err := bot.Record(ctx, r.config); done <- err }()
				synctest.Wait()
				tt.set(gone)
				r.room.Join("ada", "Ada")
				r.room.speak("ada", time.Minute)
				stop()
				err := <-done
				var rest *bot.NotStoredError
				if !errors.As(err, &rest) || !rest.Away {
					t.Fatalf("%v, want a store that is away", err)
				}
				if text := err.Error(); !strings.Contains(text, tt.want) || strings.Contains(text, "cancel") || strings.Contains(text, ", 0 ") ||
					errors.Is(rest.Err, refused) != (tt.name == "gone") {
					t.Errorf("told: %v", err)
				}
				if strings.Count(log.String(), "waiting for the store") != 1 {
					t.Errorf("the log says\n%s", &log)
				}
			})
		})
	}
	if e := (&bot.NotStoredError{Away: true, Err: refused}); strings.Contains(e.Error(), "waiting") {
		t.Error(e)
	}
}
