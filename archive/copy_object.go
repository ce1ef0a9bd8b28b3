package archive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"golang.org/x/sync/errgroup"
)

// putObjects puts what does not wait of lines from n on, of which the first is
// line start of the log. An epoch is there before anything after it in the log is
// begun. The first confirmed lines of the log are under the head in dst. It returns
// what holds the head back, for each object that is bad.
func (c *Copier) putObjects(ctx context.Context, start int64, lines []Entry, n int, confirmed int64) (bad []error, err error) {
	put := func(ctx context.Context, e Entry, line int64) error {
		err := c.putObject(ctx, e, line < confirmed)
		c.reports.Lock()
		defer c.reports.Unlock()
		var b *BadObjectError
		if isBad := errors.As(err, &b); isBad && c.OnBad != nil {
			err = c.OnBad(b)
		} else if err != nil && !isBad {
			return err
		}
		if err != nil {
			if len(bad) < 100 {
				bad = append(bad, err)
			}
			return nil
		}
		c.ahead[int(line)] = b == nil
		c.pending.Add(-1)
		if c.OnStored != nil && b == nil {
			c.OnStored(e)
		}
		return nil
	}

	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(cmp.Or(max(0, c.Parallel), 4))
	for i, e := range lines[n:] {
		line := start + int64(n+i)
		c.reports.Lock()
		_, done := c.ahead[int(line)]
		c.reports.Unlock()
		if done {
			continue
		}
		if gctx.Err() != nil {
			break
		}
		over := make(chan struct{})
		g.Go(func() error {
			defer close(over)
			return put(gctx, e, line)
		})
		if l, _ := parseName(e.Name); l.kind == Epoch && l.late == 0 {
			<-over
		}
	}
	// An error that ends the pass says more than those it passed over.
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return bad, ctx.Err()
}

// putObject puts one object. It holds the whole object in memory, so that the
// bytes sent are the bytes checked. confirmed reports that the head in dst names
// the object.
func (c *Copier) putObject(ctx context.Context, e Entry, confirmed bool) error {
	data, err := readEntry(ctx, c.src, c.id, e, MaxObject)
	if errors.Is(err, errHash) || isDefect(err) {
		// Only a second read shows that bad bytes are not a passing fault.
		data, err = readEntry(ctx, c.src, c.id, e, MaxObject)
	}
	if isDefect(err) {
		err = &CorruptError{e.Name, err}
	}
	var corrupt *CorruptError
	if errors.As(err, &corrupt) {
		there, thereErr := c.isThere(ctx, e, confirmed && errors.Is(err, fs.ErrNotExist))
		if there || thereErr != nil {
			return thereErr
		}
		return &BadObjectError{c.id, e.Name, corrupt.Err}
	} else if err != nil {
		return err
	}
	b := hashedBlob(data, e.SHA256)
	err = c.dst.Put(ctx, c.id+"/"+e.Name, b)
	if errors.Is(err, ErrConflict) && c.own {
		// Only this recorder has a recording of this ID, so what lies there is
		// foreign.
		b.Replace = true
		if replaceErr := c.dst.Put(ctx, c.id+"/"+e.Name, b); replaceErr == nil {
			c.taken(e.Name)
			return nil
		} else if !errors.Is(replaceErr, ErrDenied) {
			err = replaceErr
		}
	}
	if errors.Is(err, ErrConflict) {
		return &BadObjectError{c.id, e.Name, err}
	} else if err != nil {
		return fmt.Errorf("could not put %s: %w", e.Name, err)
	}
	return nil
}

// isThere reports whether dst has an object that src lacks. It compares the hash
// of the object, unless confirmed: then a Copier compared it before it put the
// head that names it.
func (c *Copier) isThere(ctx context.Context, e Entry, confirmed bool) (bool, error) {
	var err error
	if confirmed {
		var r io.ReadCloser
		if r, err = c.dst.Get(ctx, c.id+"/"+e.Name, 0, 1); err == nil {
			err = r.Close()
		}
	} else {
		_, err = readEntry(ctx, c.dst, c.id, e, MaxObject)
		if errors.Is(err, errHash) {
			_, err = readEntry(ctx, c.dst, c.id, e, MaxObject)
		}
	}
	var corrupt *CorruptError
	if errors.Is(err, fs.ErrNotExist) || errors.As(err, &corrupt) {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("could not look for %s: %w", e.Name, err)
	}
	return true, nil
}
