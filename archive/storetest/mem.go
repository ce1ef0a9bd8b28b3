package storetest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sealtape/sealtape/archive"
)

// Mem is an archive.Store in memory that has no checksums, and fails on demand.
// Without hooks it fulfils the whole contract. The zero value is an empty store.
// It must not be copied. The hooks must not change while it is in use, and may
// themselves call its methods.
type Mem struct {
	// OnPut is called for each Put whose name and content are right, before it
	// takes effect. It returns whether to store the object, and the error to
	// return. (true, err) is the case that loses recordings: an error, but the
	// object was stored. (false, nil) is a store that lies. With (true, nil) Put
	// goes on as if there were no hook.
	OnPut func(name string) (apply bool, err error)

	// OnGet is called for each Get of an existing object, with a copy of the
	// bytes asked for. The reader returns what OnGet returns, which may be less,
	// or other bytes. An error fails the Get.
	OnGet func(name string, data []byte) ([]byte, error)

	mu      sync.Mutex
	objects map[string][]byte // contents are never changed in place
}

var _ archive.Store = (*Mem)(nil)

// Put implements archive.Store.
func (m *Mem) Put(ctx context.Context, name string, b archive.Blob) error {
	if err := archive.ValidName(name); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	r, err := b.OpenChecked()
	if err != nil {
		return err
	}
	data, err := io.ReadAll(r)
	if closeErr := r.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("could not store %s: %w", name, err)
	}
	if m.OnPut != nil {
		apply, err := m.OnPut(name)
		if !apply {
			return err
		}
		if err != nil {
			m.put(name, data, b.Replace)
			return err
		}
	}
	return m.put(name, data, b.Replace)
}

func (m *Mem) put(name string, data []byte, replace bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	old, found := m.objects[name]
	if found && !replace {
		if bytes.Equal(old, data) {
			return nil
		}
		return fmt.Errorf("could not store %s: %w", name, archive.ErrConflict)
	}
	m.setLocked(name, data)
	return nil
}

// Get implements archive.Store.
func (m *Mem) Get(ctx context.Context, name string, off, n int64) (io.ReadCloser, error) {
	if err := archive.ValidName(name); err != nil {
		return nil, err
	}
	if off < 0 {
		return nil, fmt.Errorf("offset %d: %w", off, fs.ErrInvalid)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	data, ok := m.Object(name)
	if !ok {
		return nil, fmt.Errorf("could not read %s: %w", name, fs.ErrNotExist)
	}
	data = data[min(off, int64(len(data))):]
	if n >= 0 {
		data = data[:min(n, int64(len(data)))]
	}
	if m.OnGet != nil {
		var err error
		if data, err = m.OnGet(name, data); err != nil {
			return nil, err
		}
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// List implements archive.Store. It lists what was there when it was called.
func (m *Mem) List(ctx context.Context, prefix string) iter.Seq2[archive.Info, error] {
	return func(yield func(archive.Info, error) bool) {
		for _, info := range m.snapshot() {
			if err := ctx.Err(); err != nil {
				yield(archive.Info{}, err)
				return
			}
			if strings.HasPrefix(info.Name, prefix) && !yield(info, nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(archive.Info{}, err)
		}
	}
}

// Prefixes implements archive.Store.
func (m *Mem) Prefixes(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		last := ""
		for info, err := range m.List(ctx, "") {
			if err != nil {
				yield("", err)
				return
			}
			first, _, found := strings.Cut(info.Name, "/")
			if !found || first == last {
				continue
			}
			last = first
			if !yield(first, nil) {
				return
			}
		}
	}
}

// Delete implements archive.Store.
func (m *Mem) Delete(ctx context.Context, name string) error {
	if err := archive.ValidName(name); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.objects, name)
	return nil
}

// Stat implements archive.Store. Every object counts as modified just now.
func (m *Mem) Stat(ctx context.Context, name string) (archive.Info, error) {
	if err := archive.ValidName(name); err != nil {
		return archive.Info{}, err
	}
	if err := ctx.Err(); err != nil {
		return archive.Info{}, err
	}
	data, ok := m.Object(name)
	if !ok {
		return archive.Info{}, fmt.Errorf("could not look at %s: %w", name, fs.ErrNotExist)
	}
	return archive.Info{Name: name, Size: int64(len(data)), Modified: time.Now()}, nil
}

// Purge implements archive.Store.
func (m *Mem) Purge(ctx context.Context, prefix string) error {
	if !archive.ValidPrefix(prefix) || prefix == "" {
		return fmt.Errorf("prefix %q: %w", prefix, fs.ErrInvalid)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.objects, func(name string, _ []byte) bool { return strings.HasPrefix(name, prefix) })
	return nil
}

// Limits implements archive.Store.
func (*Mem) Limits() archive.Limits { return archive.Limits{} }

// Object returns a copy of the object name and whether it exists, without any
// hooks: for a test that looks into the store, or searches it for what must not
// be there.
func (m *Mem) Object(name string) ([]byte, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	data, ok := m.objects[name]
	return bytes.Clone(data), ok
}

// Set stores a copy of data under name, without any hooks and rules: for a test
// that plays the attacker who owns the store.
func (m *Mem) Set(name string, data []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.setLocked(name, bytes.Clone(data))
}

func (m *Mem) setLocked(name string, data []byte) {
	if m.objects == nil {
		m.objects = make(map[string][]byte)
	}
	m.objects[name] = data
}

// snapshot returns the objects in byte order of their names.
func (m *Mem) snapshot() []archive.Info {
	m.mu.Lock()
	defer m.mu.Unlock()
	infos := make([]archive.Info, 0, len(m.objects))
	for _, name := range slices.Sorted(maps.Keys(m.objects)) {
		infos = append(infos, archive.Info{Name: name, Size: int64(len(m.objects[name]))})
	}
	return infos
}
