package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"filippo.io/age"
	"golang.org/x/sync/errgroup"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/show"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/playback/tape"
)

// What one's keys open of a recording.
const (
	opensAll     = "all"
	opensSome    = "some"
	opensNone    = "none"
	opensUnknown = "unknown"
)

// An opening says how far a recording opens.
type opening struct {
	ID      string     `json:"id"`
	State   string     `json:"state"` // as in the list
	Start   *time.Time `json:"start,omitempty"`
	Epochs  int        `json:"epochs"`
	Opened  int        `json:"opened"` // of the epochs
	Opens   string     `json:"opens"`  // all, some, none or unknown
	Problem string     `json:"problem,omitempty"`
	// Distrusted: the key of its signature, or of its only grant, was revoked.
	Distrusted bool `json:"distrusted,omitempty"`

	err error // why it does not open at all
}

// parallel is how many recordings are looked at at once.
const parallel = 8

// newestLooked is how many recordings are looked at without --all.
const newestLooked = 50

// checkRecordings looks which recordings one's keys open.
func checkRecordings(ctx context.Context, e *ui.Env, d *Diagnosis, h *keys.Home, s archive.Store, identities []age.Identity, all bool) error {
	a, err := access.OpenTo(e, archive.Retry(s, archive.RetryConfig{Attempts: 3}))
	if err != nil {
		return err
	}
	ids, err := newest(ctx, a, h)
	if err != nil {
		return err
	}
	if !all && len(ids) > newestLooked {
		d.LeftOut = len(ids) - newestLooked
		ids = ids[:newestLooked]
	}
	d.Recordings = make([]opening, len(ids))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for i, id := range ids {
		g.Go(func() error {
			d.Recordings[i] = openingOf(ctx, a, id, identities)
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	slices.SortStableFunc(d.Recordings, func(x, y opening) int { return later(x.Start, y.Start) })
	d.judgeRecordings()
	return nil
}

// newest returns the IDs in the store, those recorded with this home first, the
// latest of them at the front. Of the others nothing tells the time.
func newest(ctx context.Context, a *access.Access, h *keys.Home) ([]string, error) {
	ids, err := access.RecordingsIn(ctx, a.Store)
	if err != nil {
		return nil, err
	}
	starts, err := access.RecordedStarts(h)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(ids, func(x, y string) int { return starts[y].Compare(starts[x]) })
	return ids, nil
}

// later orders times, the latest first, those not known at the end.
func later(x, y *time.Time) int {
	switch {
	case x == nil && y == nil:
		return 0
	case x == nil:
		return 1
	case y == nil:
		return -1
	}
	return y.Compare(*x)
}

// openingOf tries the keys on each epoch of a recording.
func openingOf(ctx context.Context, a *access.Access, id string, identities []age.Identity) (o opening) {
	o = opening{ID: id, Opens: opensUnknown}
	t, err := a.OpenTape(ctx, id, identities, nil)
	if err != nil {
		o.State, o.Problem, o.err = show.ListedOf(tape.Unopened(id, err)).State, err.Error(), err
		return o
	}
	rec := t.Recording()
	epochs := rec.Epochs()
	o.State, o.Epochs = string(rec.Head().State), len(epochs)
	distrust := a.Distrust(rec.Head().ID, rec.Signers())
	defer func() {
		if distrust != nil && o.err == nil {
			o.Distrusted, o.Problem = true, distrust.Error()
		}
	}()
	if len(identities) == 0 {
		return o
	}
	for _, ep := range epochs {
		_, err := rec.EpochSecret(ctx, ep.Number)
		switch {
		case err == nil:
			o.Opened++
		case errors.Is(err, archive.ErrRevokedGrant):
			distrust = cmp.Or(distrust, err)
		case !errors.Is(err, archive.ErrNoKey):
			o.Problem, o.err = err.Error(), err
			return o
		}
	}
	switch o.Opened {
	case 0:
		o.Opens = opensNone
		return o
	case o.Epochs:
		o.Opens = opensAll
	default:
		o.Opens = opensSome
	}
	if start, err := t.StartTime(ctx); err == nil {
		start = start.UTC()
		o.Start = &start
	}
	return o
}

// judgeRecordings adds what the recordings amount to.
func (d *Diagnosis) judgeRecordings() {
	const section = "recordings"
	opens := make(map[string]int)
	foreign, live, distrusted := 0, 0, 0
	for _, r := range d.Recordings {
		opens[r.Opens]++
		if r.Distrusted {
			distrusted++
		}
		switch {
		case r.State == string(tape.StateForeign):
			foreign++
		case r.err != nil:
			d.Fail(section, r.ID[:8], r.err, ui.VerifyHint(r.ID).String())
		case r.State == string(archive.StateOpen):
			live++
		}
	}
	if foreign > 0 {
		d.Warn(section, "recorders", ui.PinHint.Why, "%s not signed by anyone whose card you pinned", show.WasWere(foreign))
		d.Run(ui.PinHint.Run...)
	}
	if distrusted > 0 {
		d.Warn(section, "revoked", "see of each which key that is", "%s signed, or granted to you, by a key that was revoked", show.WasWere(distrusted))
		d.Run("sealtape info ID")
	}
	if live > 0 {
		d.Warn(section, "open", "the store cannot tell which; on the recorder, end what a crash left, with --store for each store that it is for",
			"%s open: going on, or left by a recorder that died", show.WasWere(live))
		d.Run("sealtape recover --store STORE")
	}
	if len(d.Recordings) == 0 {
		d.Pass(section, "your keys open", "nothing: there are none yet")
		return
	}
	text := fmt.Sprintf("all of %d, parts of %d, none of %d", opens[opensAll], opens[opensSome], opens[opensNone])
	if opens[opensUnknown] > 0 {
		text += fmt.Sprintf(", not known of %d", opens[opensUnknown])
	}
	d.Pass(section, "your keys open", "%s", text)
}
