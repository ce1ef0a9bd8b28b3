// Package storecheck finds out whether a store is fit to hold an archive by
// trying it, before a recording depends on it.
package storecheck

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sealtape/sealtape/archive"
)

// A Verdict is the result of one check of [Run].
type Verdict int

const (
	// Unknown: the check could not be made, since one that it needs failed.
	Unknown Verdict = iota
	// Passed: the store did what it must.
	Passed
	// Limited: the store does less, as its Limits say, and that is enough for an
	// archive.
	Limited
	// Failed: the store did not do what it must.
	Failed
)

// String returns "unknown", "ok", "limited" or "failed".
func (v Verdict) String() string {
	switch v {
	case Passed:
		return "ok"
	case Limited:
		return "limited"
	case Failed:
		return "failed"
	}
	return "unknown"
}

// The names of the checks, in the order in which Run makes them.
const (
	Put         = "put"
	Get         = "get"
	Ranges      = "ranges"
	List        = "list"
	PutIfAbsent = "put-if-absent"
	Replace     = "replace"
	Checksums   = "checksums"
	Delete      = "delete"
)

// A Check is one thing that an archive needs of its store, and the result of
// trying it.
type Check struct {
	Name    string // one of those above
	Verdict Verdict
	Err     error  // what went wrong, or why it is unknown; nil if Passed
	Remedy  string // what to do about it; "" unless Failed or Limited
}

// probes are the checks that Run makes, in order.
var probes = []struct {
	name   string
	needs  []string // checks without which this one proves nothing
	run    func(*prober, context.Context) error
	remedy string
}{
	{Put, nil, (*prober).put,
		"allow writing: s3:PutObject on the prefix, with retain s3:PutObjectRetention and with kms kms:GenerateDataKey and kms:Decrypt, too; or for a folder its owner, mode and free space"},
	{Get, []string{Put}, (*prober).get,
		"allow reading: s3:GetObject, and s3:ListBucket, without which S3 denies what is missing; if what is read differs, the store damages objects: do not use it"},
	{Ranges, []string{Put, Get}, (*prober).ranges,
		"the server or a proxy before it answers range requests wrongly: use another, or mend it"},
	{List, []string{Put}, (*prober).list,
		"allow listing: s3:ListBucket on the bucket with the prefix; a server whose listings lag behind, or are in no order, is not fit"},
	{PutIfAbsent, []string{Put, Get}, (*prober).putIfAbsent,
		"let nobody else write there: only a store with put-if-absent (If-None-Match on PutObject, as Amazon S3 and MinIO have it; hard links in a folder) protects what is recorded from one who writes in the same moment"},
	{Replace, []string{Put, Get}, (*prober).replace,
		"allow overwriting: a recording's head and its last log file are replaced as it grows"},
	{Checksums, []string{Put, Get}, (*prober).checksums,
		"if it keeps bytes that were damaged on their way, do not use this store; if it only keeps no checksums, each upload is read back, and verify --quick reads as much as verify"},
	{Delete, []string{Put}, (*prober).delete,
		"allow deleting (s3:DeleteObject on the prefix); without it old recordings cannot be pruned, all else works"},
}

// refused is the remedy if a store reports that it does not do what a put asks.
const refused = "no permission helps: the store says what it does not do; mend that in the bucket, or leave out the setting of --store that asks for it: " +
	"retain needs a bucket that was made with object lock, kms a key of its server, class one that it has"

// Run finds out by trying whether s is fit to be an archive's store: whether it
// puts, gets, lists and deletes; whether it refuses names that are taken, also
// when several write at once; whether it refuses wrong bytes; and whether it
// returns the bytes that were put.
//
// It uses some twenty-five small objects in a folder of its own whose name begins
// with [archive.ScratchPrefix], and removes them, even if ctx ends or a check
// fails. In a bucket with versions, their old versions stay. An object that could
// not be removed is a failure of the check "delete". Pass the store itself, not
// one made by [archive.Retry]: a store that needs retries is what Run looks for.
//
// All checks are returned; those that could not be made are Unknown. The error is
// that of ctx, if it has ended.
func Run(ctx context.Context, s archive.Store) ([]Check, error) {
	p := &prober{store: s, folder: archive.ScratchPrefix + archive.NewID() + "/", content: make([]byte, 5000)}
	rand.Read(p.content)
	var checks []Check
	verdict := make(map[string]Verdict)
	for _, probe := range probes {
		c := Check{Name: probe.name}
		i := slices.IndexFunc(probe.needs, func(name string) bool { return verdict[name] != Passed && verdict[name] != Limited })
		if i >= 0 {
			c.Err = fmt.Errorf("not tried, since %q did not pass", probe.needs[i])
		} else if c.Err = probe.run(p, ctx); ctx.Err() != nil {
			c.Err = ctx.Err()
		} else if c.Err == nil {
			c.Verdict = Passed
		} else if c.Remedy = probe.remedy; errors.Is(c.Err, errLimited) {
			c.Verdict = Limited
		} else if c.Verdict = Failed; probe.name == Put && errors.Is(c.Err, archive.ErrRefused) {
			c.Remedy = refused
		}
		verdict[c.Name] = c.Verdict
		checks = append(checks, c)
	}
	if err := p.cleanUp(ctx); err != nil {
		c := &checks[len(checks)-1]
		if c.Remedy = probes[len(probes)-1].remedy + "; then remove what begins with " + p.folder; c.Verdict != Limited {
			c.Verdict = Failed
		}
		c.Err = errors.Join(c.Err, err)
	}
	return checks, ctx.Err()
}

// errLimited is what a store cannot do, by its own Limits.
var errLimited = errors.New("limited")

// A prober holds what the checks share.
type prober struct {
	store   archive.Store
	folder  string // ends in a slash
	content []byte // of the object that put leaves for the others
	mu      sync.Mutex
	names   []string // names that may exist, guarded by mu
}

const objectName = "object" // what put leaves

// putBlob puts b under a name in the prober's folder.
func (p *prober) putBlob(ctx context.Context, name string, b archive.Blob) error {
	p.mu.Lock()
	if name = p.folder + name; !slices.Contains(p.names, name) {
		p.names = append(p.names, name)
	}
	p.mu.Unlock()
	return p.store.Put(ctx, name, b)
}

func (p *prober) putBytes(ctx context.Context, name string, data []byte) error {
	return p.putBlob(ctx, name, archive.BytesBlob(data))
}

// read reads a range. It reads a little more than was put at most, whatever the
// store sends.
func (p *prober) read(ctx context.Context, name string, off, n int64) ([]byte, error) {
	r, err := p.store.Get(ctx, p.folder+name, off, n)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(r, int64(2*len(p.content))))
	if closeErr := r.Close(); err == nil {
		err = closeErr
	}
	return data, err
}

// expect returns an error unless the object holds want.
func (p *prober) expect(ctx context.Context, name string, want []byte) error {
	got, err := p.read(ctx, name, 0, -1)
	if err != nil {
		return fmt.Errorf("reading back: %w", err)
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("what was read is not what was put: %s", difference(got, want))
	}
	return nil
}

func difference(got, want []byte) string {
	if len(got) != len(want) {
		return fmt.Sprintf("%d bytes instead of %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			return fmt.Sprintf("byte %d of %d differs", i, len(want))
		}
	}
	return "nothing differs"
}

// other returns other content of the same length.
func (p *prober) other() []byte {
	b := make([]byte, len(p.content))
	rand.Read(b)
	return b
}

func (p *prober) put(ctx context.Context) error {
	return p.putBytes(ctx, objectName, p.content)
}

func (p *prober) get(ctx context.Context) error {
	if err := p.expect(ctx, objectName, p.content); err != nil {
		return err
	}
	if _, err := p.read(ctx, "missing", 0, -1); err == nil {
		return errors.New("it gave an object that was never put")
	} else if !errors.Is(err, fs.ErrNotExist) {
		// Without s3:ListBucket, S3 says 403 for what is not there.
		return fmt.Errorf("asked for a missing object it does not say that it is missing: %w", err)
	}
	return nil
}

func (p *prober) ranges(ctx context.Context) error {
	size := int64(len(p.content))
	for _, r := range []struct{ off, n int64 }{
		{0, 1}, {0, size}, {1, 100}, {4095, 2}, {size - 1, 1}, {size - 1, 100}, {17, -1}, {size, -1}, {size + 1, 1}, {5, 0},
	} {
		want := p.content[min(r.off, size):]
		if r.n >= 0 {
			want = want[:min(r.n, int64(len(want)))]
		}
		got, err := p.read(ctx, objectName, r.off, r.n)
		if err == nil && !bytes.Equal(got, want) {
			err = errors.New(difference(got, want))
		}
		if err != nil {
			return fmt.Errorf("reading %d bytes at %d: %w", r.n, r.off, err)
		}
	}
	return nil
}

func (p *prober) list(ctx context.Context) error {
	names := []string{"list-b", "list.b", "list/b", "list0"} // in byte order, which puts the slash in between
	for _, i := range []int{2, 0, 3, 1} {
		if err := p.putBytes(ctx, names[i], p.content[:i]); err != nil {
			return err
		}
	}
	names = append(names, objectName)
	infos, err := p.listed(ctx, p.folder)
	if err != nil {
		return err
	}
	for i, name := range names {
		size := int64(i)
		if name == objectName {
			size = int64(len(p.content))
		}
		switch {
		case i >= len(infos):
			return errors.New("an object that was just put is not listed")
		case infos[i].Name != p.folder+name:
			return errors.New("the listing is not in byte order, or of objects that are not there")
		case infos[i].Size != size:
			return fmt.Errorf("an object of %d bytes is listed with %d", size, infos[i].Size)
		}
	}
	if len(infos) > len(names) {
		return errors.New("objects are listed that are not there")
	}
	return nil
}

// listed returns the first few objects whose name begins with prefix.
func (p *prober) listed(ctx context.Context, prefix string) (infos []archive.Info, err error) {
	for info, err := range p.store.List(ctx, prefix) {
		if err != nil {
			return nil, err
		}
		if infos = append(infos, info); len(infos) == 100 {
			break
		}
	}
	return infos, nil
}

// errOverwrites is the worst that a store can do to an archive.
var errOverwrites = errors.New("the store ignores put-if-absent")

func (p *prober) putIfAbsent(ctx context.Context) error {
	err := p.putBytes(ctx, objectName, p.other())
	if readErr := p.expect(ctx, objectName, p.content); readErr != nil {
		return fmt.Errorf("%w: a second put under a name overwrote the first (%w)", errOverwrites, readErr)
	}
	if err == nil {
		return errors.New("a second put under a name changed nothing and was called a success")
	}
	if !errors.Is(err, archive.ErrConflict) {
		return fmt.Errorf("a second put under a name was refused, but not as a conflict: %w", err)
	}
	if err := p.putBytes(ctx, objectName, p.content); err != nil {
		return fmt.Errorf("the same put once more is refused: %w", err)
	}
	if p.store.Limits().Unguarded {
		return fmt.Errorf("%w: it cannot refuse a name that is taken; we look first, which leaves a moment in between", errLimited)
	}
	return p.race(ctx)
}

// race puts different content under one new name, at once.
func (p *prober) race(ctx context.Context) error {
	const name, writers = "race", 4
	contents, errs := make([][]byte, writers), make([]error, writers)
	var wg sync.WaitGroup
	for i := range writers {
		contents[i] = p.other()
		wg.Go(func() { errs[i] = p.putBytes(ctx, name, contents[i]) })
	}
	wg.Wait()
	var won []int
	for i, err := range errs {
		if err == nil {
			won = append(won, i)
		}
	}
	switch len(won) {
	case 0:
		return fmt.Errorf("of %d puts of one name at once, none succeeded: %w", writers, errors.Join(errs...))
	case 1:
		return p.expect(ctx, name, contents[won[0]])
	}
	return fmt.Errorf("%w: of %d puts of one name at once, %d succeeded", errOverwrites, writers, len(won))
}

func (p *prober) replace(ctx context.Context) error {
	const name = "replaced"
	for _, data := range [][]byte{p.other(), p.other(), p.content[:100], nil} {
		b := archive.BytesBlob(data)
		b.Replace = true
		if err := p.putBlob(ctx, name, b); err != nil {
			return err
		}
		if err := p.expect(ctx, name, data); err != nil {
			return err
		}
	}
	return nil
}

// checksums sends other bytes than it promised: wrong ones from the start; and
// right ones first and then wrong ones, since a store may read once to check and
// once to send.
func (p *prober) checksums(ctx context.Context) error {
	for wrong := range 2 {
		name := fmt.Sprintf("wrong-%d", wrong)
		flipped := bytes.Clone(p.content)
		flipped[len(flipped)-1] ^= 1
		var opened atomic.Int64
		b := archive.BytesBlob(p.content)
		b.Open = func() (io.ReadCloser, error) {
			data := p.content
			if opened.Add(1) > int64(wrong) {
				data = flipped
			}
			return io.NopCloser(bytes.NewReader(data)), nil
		}
		err := p.putBlob(ctx, name, b)
		got, readErr := p.read(ctx, name, 0, -1)
		switch {
		case readErr == nil && !bytes.Equal(got, p.content):
			return fmt.Errorf("it stored bytes with another SHA-256 than they were sent with (put said: %v)", err)
		case readErr != nil && !errors.Is(readErr, fs.ErrNotExist):
			return fmt.Errorf("reading back: %w", readErr)
		case readErr != nil && err == nil:
			return errors.New("it said that it stored an object and did not")
		}
	}
	if p.store.Limits().Unchecked {
		return fmt.Errorf("%w: it keeps no SHA-256; each upload is confirmed by reading it back", errLimited)
	}
	return nil
}

func (p *prober) delete(ctx context.Context) error {
	err := p.store.Delete(ctx, p.folder+objectName)
	if errors.Is(err, archive.ErrDenied) { // a key that may write and not delete can destroy less
		return fmt.Errorf("%w: %w", errLimited, err)
	}
	if err != nil {
		return err
	}
	if _, err := p.read(ctx, objectName, 0, -1); err == nil {
		return errors.New("an object that was deleted is still there")
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("asked for a deleted object: %w", err)
	}
	if err := p.store.Delete(ctx, p.folder+objectName); err != nil {
		return fmt.Errorf("deleting what is not there: %w", err)
	}
	return nil
}

// cleanUp removes what was put, and reports what stays. A server that does not
// answer gets half a minute.
func (p *prober) cleanUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	var failed error // the last error: they tend to be alike
	for _, name := range p.names {
		if err := p.store.Delete(ctx, name); err != nil {
			failed = err
		}
	}
	// Only a store that lists can say what is left. One that does not has failed
	// a check of its own.
	left, err := p.listed(ctx, p.folder)
	if err == nil && len(left) > 0 && failed == nil {
		failed = errors.New("they are still listed")
	}
	if failed != nil {
		return fmt.Errorf("objects of this test stay behind below %s: %w", p.folder, failed)
	}
	return nil
}
