package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/internal/desktop"
	"github.com/sealtape/sealtape/recorder/ingest"
	"github.com/sealtape/sealtape/recorder/ingest/folder"
	"github.com/sealtape/sealtape/recorder/ingest/watch"
	"github.com/sealtape/sealtape/recorder/ingest/watch/metrics"
)

const (
	minSettle, defaultSettle, maxSettle = 100 * time.Millisecond, 30 * time.Second, 24 * time.Hour

	// A folder is looked at five times while something comes to rest, and at least every
	// lookEvery. What fails is tried again after two looks, and then more and more
	// rarely, but every longestWait.
	lookEvery   = 5 * time.Second
	longestWait = 10 * time.Minute
	// storeTries is how often the store is asked for one thing before that.
	storeTries = 3
)

// checkWatch checks what --watch is given with.
func (o *importOptions) checkWatch() error {
	switch {
	case len(o.paths) > 0:
		return ui.Misuse("--watch takes the recordings of its folder, and no other files")
	case o.dryRun:
		return ui.Misuse("--dry-run is for files; --watch is for those that come")
	case o.title != "" || o.start != "" || len(o.names) > 0:
		return ui.Misuse("--title, --start and --name are for one recording, and --watch is for many")
	case len(o.readers) == 0:
		return ui.Misuse("for whom? --reader NAME is missing")
	case o.settle < minSettle || o.settle > maxSettle:
		return ui.Misuse("--settle is %v, want %v to %v", o.settle, minSettle, maxSettle)
	}
	return nil
}

// A watchImport imports what gets complete in a folder.
//
// What is imported goes through these steps; a crash after any of them loses nothing
// and does nothing twice:
//
//	sealed     whole, in a folder of its own; nobody knows of it, and the next start
//	           removes it and begins again
//	noted      the ledger has it: from here on it is this recording, and no other
//	copied     the store has confirmed all of it
//	stored     the ledger says so; the sealed copy is removed
//	compared   it was read back, and is what was written
//	removed    a source is gone, if that was asked for
type watchImport struct {
	*importer
	store   string // what names the store in the ledger
	ledger  *watch.Ledger
	drafts  *dir.Drafts
	access  *access.Access
	log     *slog.Logger
	watcher *watch.Watcher
}

// watch imports what gets complete in a folder, until ctx ends.
func (im *importer) watch(ctx context.Context) (err error) {
	e, o := im.env, im.o
	w := &watchImport{importer: im, log: e.NewLog(e.Stderr, slog.LevelInfo)}
	folder, err := watch.OpenFolder(o.watch, o.settle)
	if err != nil {
		return ui.Hinted(err, "--watch is for a folder that is there, such as ~/Documents/Zoom")
	}
	if err := im.open(ctx, archive.RetryConfig{Attempts: storeTries, OnRetry: w.retrying}); err != nil {
		return err
	}
	if w.store, err = access.StoreID(o.Store); err != nil {
		return err
	}
	if w.access, err = access.OpenTo(e, im.to); err != nil {
		return err
	}
	w.access.Use(im.id)
	if err := dropSecrets(); err != nil { // of which ffmpeg gets none in any case
		return err
	}
	if w.ledger, err = watch.OpenLedger(im.home.Dir()); err != nil {
		return explainWatch(err)
	}
	defer func() { err = errors.Join(err, w.ledger.Close()) }()
	if err := checkApart(folder.Path(), w.store, im.home.Dir()); err != nil {
		return err
	}
	var keep []string
	for _, entry := range w.ledger.Sealed() {
		if keep = append(keep, entry.Recording); entry.Store != w.store {
			w.log.Warn("a recording waits for another store", "recording", entry.Recording)
		}
	}
	// Apart from those of import, which removes what it does not know.
	if w.drafts, err = dir.OpenDrafts(filepath.Join(im.home.Dir(), "watch"), keep...); err != nil {
		return err
	}
	every := min(o.settle/5, lookEvery)
	w.watcher = &watch.Watcher{Folder: folder, Resume: w.resume, Import: w.one, Every: every, Least: 2 * every, Most: longestWait,
		Log: w.log, Failing: func(error) { w.notify(ctx, "Recordings wait: importing failed. The log says why.") }}
	if o.metricsAddr != "" {
		end, err := serveMetrics(o.metricsAddr, metrics.Handler(w.watcher), w.log)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, end()) }()
	}
	im.warnClassic()
	w.log.Info("watching", "settle", o.settle.String(), "remove", o.remove)
	if err := w.watcher.Run(ctx); ctx.Err() == nil {
		return err
	}
	w.log.Info("ended")
	return nil // as it was asked to
}

// checkApart refuses a folder that has the store or the home in it: each recording that was
// sealed would be taken for one that came.
func checkApart(folder string, others ...string) error {
	real, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return err
	}
	for _, other := range others {
		if strings.HasPrefix(other, "s3://") {
			continue
		}
		if other, err = filepath.Abs(other); err == nil {
			other, err = filepath.EvalSymlinks(other)
		}
		if err != nil {
			return err
		}
		if in, err := filepath.Rel(real, other); err == nil && filepath.IsLocal(in) {
			return ui.Hinted(ui.Misuse("%s is in the folder that is watched", ui.Clean(other)), "watch a folder that neither the store nor SEALTAPE_HOME is in")
		}
	}
	return nil
}

// resume brings to the store what was sealed before.
func (w *watchImport) resume(ctx context.Context) error {
	for _, entry := range w.ledger.Sealed() {
		if entry.Store == w.store {
			if err := w.copy(ctx, entry.Recording, ""); err != nil {
				return err
			}
		}
	}
	return nil
}

// one imports a recording of the folder, or goes on with it.
func (w *watchImport) one(ctx context.Context, r watch.Recording) error {
	if w.ledger.Settled(w.mark(r)) {
		return nil
	}
	if err := r.Hash(ctx); err != nil {
		return w.judged(ctx, r, err)
	}
	// What is left of a recording after a crash may not look like one any more.
	entry := w.ledger.Removing(w.store, r.Hashes())
	if entry == nil || !w.o.remove {
		var err error
		if entry, err = w.known(ctx, r); err != nil {
			return err
		}
	}
	left := r
	if w.o.remove {
		var err error
		if left, err = w.removeSources(ctx, r, entry); err != nil {
			return err
		}
	}
	return w.ledger.Change(entry.Recording, func(e *watch.Entry) { e.Settled = w.mark(left) })
}

// mark stands for a recording and what is to be done with it.
func (w *watchImport) mark(r watch.Recording) string {
	if w.o.remove {
		return "remove " + r.Print()
	}
	return r.Print()
}

// known returns the entry of a recording whose files are hashed, and which the store has.
func (w *watchImport) known(ctx context.Context, r watch.Recording) (*watch.Entry, error) {
	o := *w.o
	o.paths = []string{r.Path}
	plan, err := o.plan(ctx, w.env, w.program, time.Local)
	if err != nil {
		return nil, w.judged(ctx, r, &ingest.FileError{Err: err})
	}
	var hashes []string
	for i := range plan.Parts {
		p := &plan.Parts[i]
		if p.SHA256 = r.HashOf(p.File.Path); p.SHA256 == "" {
			return nil, w.judged(ctx, r, ingest.ErrChanged)
		}
		hashes = append(hashes, p.SHA256)
	}
	entry, err := w.ledger.Find(w.store, hashes)
	if err != nil {
		return nil, w.judged(ctx, r, &ingest.FileError{Err: err})
	}
	if entry == nil {
		if entry, err = w.sealed(ctx, r, plan); err != nil {
			return nil, w.judged(ctx, r, err)
		}
	}
	if entry.State == watch.Sealed {
		return entry, w.copy(ctx, entry.Recording, importLength(plan.length()))
	}
	w.log.Debug("was imported before", "recording", entry.Recording, "source", short(r))
	return entry, nil
}

// sealed seals a recording, and notes it.
func (w *watchImport) sealed(ctx context.Context, r watch.Recording, plan *importPlan) (*watch.Entry, error) {
	a, err := archive.Create(w.drafts.Path(), archive.Config{Signer: w.id.Signer()})
	if err != nil {
		return nil, err
	}
	w.env.At("begun")
	w.log.Info("sealing a recording", "recording", a.ID(), "source", short(r), "files", len(plan.Parts))
	w.log.Debug("which is", "recording", a.ID(), "path", r.Path)
	passed := 0
	for _, f := range plan.folders {
		passed += len(f.Passed)
	}
	if passed > 0 {
		w.log.Info("not all in its folder is part of the recording: the rest stays as it is", "recording", a.ID(), "others", passed)
	}
	report, err := w.seal(ctx, plan, a)
	if err == nil {
		err = r.Unchanged() // also since it was hashed
	}
	if err != nil {
		return nil, errors.Join(err, w.drafts.Remove(a.ID()))
	}
	w.env.At("sealed")
	entry := watch.Entry{Recording: a.ID(), Store: w.store, State: watch.Sealed, At: time.Now().UTC(), Tracks: sumsOf(report)}
	for _, o := range plan.originals() {
		if sha256 := r.HashOf(o.path); sha256 != "" {
			entry.Sources = append(entry.Sources, watch.Source{SHA256: sha256, Whole: o.goes && len(report.Said) == 0})
		}
	}
	if len(report.Said) > 0 {
		w.log.Warn("not all of the files was read without complaint: they stay", "recording", a.ID())
	}
	if len(plan.warned) > 0 {
		w.log.Warn("all readers will see messages that were to one person alone", "recording", a.ID())
	}
	if err := w.ledger.Add(entry); err != nil {
		return nil, errors.Join(err, w.drafts.Remove(a.ID()))
	}
	w.env.At("noted")
	return &entry, nil
}

// copy brings a sealed recording to the store, and tells of it.
func (w *watchImport) copy(ctx context.Context, id, length string) error {
	err := w.drafts.Copy(ctx, w.to, id)
	if errors.Is(err, fs.ErrNotExist) && ctx.Err() == nil {
		if err = w.missing(ctx, id); err == nil {
			return w.ledger.Drop(id)
		} else if errors.Is(err, errStored) {
			err = nil
		}
	}
	if err != nil {
		return fmt.Errorf("storing recording %s: %w", id, err)
	}
	w.env.At("copied")
	if err := w.ledger.Change(id, func(e *watch.Entry) { e.State = watch.Stored }); err != nil {
		return err
	}
	w.env.At("stored")
	if err := w.drafts.Remove(id); err != nil {
		return err
	}
	w.env.At("dropped")
	w.watcher.Imported()
	w.env.Printf("%s\n", id)
	w.log.Info("imported", "recording", id, "length", length)
	w.notify(ctx, "A recording was sealed, and is stored.")
	return nil
}

// errStored: the store has all of a recording.
var errStored = errors.New("it is stored")

// missing finds out what became of a noted recording whose sealed copy is gone, as no
// crash leaves it: the store has it (errStored), or nobody (nil).
func (w *watchImport) missing(ctx context.Context, id string) error {
	report, err := archive.Verify(ctx, w.to, id, archive.Options{Verifiers: w.access.All}, nil)
	switch {
	case err == nil && report.OK():
		return errStored
	case err != nil && !errors.Is(err, archive.ErrNotFound) && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	w.log.Warn("a sealed recording is gone from this machine, and the store does not have it: its files are imported again", "recording", id)
	return nil
}

// judged returns an error of a recording as one that says whether it is to be passed
// over, and logs it then.
func (w *watchImport) judged(ctx context.Context, r watch.Recording, err error) error {
	var of *ingest.FileError
	switch {
	case ctx.Err() != nil || errors.Is(err, ingest.ErrChanged):
		return err
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %w", ingest.ErrChanged, err)
	case !errors.As(err, &of) && !errors.Is(err, fs.ErrPermission):
		return err
	case errors.Is(err, ingest.ErrKind), errors.Is(err, folder.ErrEmpty):
		w.log.Info("passed over until it changes: it is no recording", "source", short(r))
		return fmt.Errorf("%w: %w", watch.ErrPassed, err)
	}
	args := []any{"err", w.reason(r, err), "source", short(r)}
	if _, hints := ui.Explain(explainImport(err)); len(hints) > 0 {
		args = append(args, "hint", ui.Texts(hints)[0])
	}
	w.log.Warn("passed over until it changes", args...)
	w.log.Debug("which is", "source", short(r), "path", r.Path)
	w.notify(ctx, "A recording could not be imported. The log says why.")
	return fmt.Errorf("%w: %w", watch.ErrPassed, err)
}

// reason is why a recording cannot be imported, without the names of its files.
func (w *watchImport) reason(r watch.Recording, err error) string {
	for _, known := range []error{folder.ErrUnconverted, ingest.ErrManyMeetings} { // which name others
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	text := watch.Reason(err).Error()
	for _, f := range r.Files {
		text = strings.ReplaceAll(strings.ReplaceAll(text, f.Path, "…"), filepath.Base(f.Path), "…")
	}
	return text
}

// short names a recording in logs: by its first file's hash, which says nothing and can
// be found with sha256sum.
func short(r watch.Recording) string {
	if h := r.Files[0].SHA256; h != "" {
		return h[:12]
	}
	return "unread"
}

func (w *watchImport) retrying(_ string, err error, wait time.Duration) {
	w.log.Warn("the store failed", "err", err, "again in", wait.Round(time.Millisecond).String())
}

// notify tells the person at this machine, if there is one. Nobody's name is in it.
func (w *watchImport) notify(ctx context.Context, text string) {
	if err := desktop.Notify(ctx, "Sealtape", text); err != nil && !errors.Is(err, desktop.ErrNone) {
		w.log.Debug("the desktop could not be told", "err", err)
	}
}

// explainWatch adds hints to the errors of a ledger.
func explainWatch(err error) error {
	switch {
	case errors.Is(err, watch.ErrBusy):
		return ui.Hinted(err, "end it; only for another folder, give this one a SEALTAPE_HOME of its own")
	case errors.Is(err, watch.ErrDamaged):
		return ui.Hinted(err, "put a copy back, or remove it: then what is in the folder is imported once more")
	case errors.Is(err, errors.ErrUnsupported):
		return ui.Hinted(err, "on Windows, run sealtape in WSL: docs/import.md says how")
	}
	return err
}
