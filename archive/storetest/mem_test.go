package storetest_test

import (
	"errors"
	"io"
	"testing"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storetest"
)

func TestMem(t *testing.T) {
	storetest.Test(t, func(*testing.T) archive.Store { return new(storetest.Mem) })
}

func TestMemOnPut(t *testing.T) {
	fault := errors.New("fault")
	for _, tt := range []struct {
		name   string
		apply  bool
		err    error
		stored bool
	}{
		{"stored", true, nil, true},
		{"failed", false, fault, false},
		{"failed but stored", true, fault, true},
		{"lost", false, nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := &storetest.Mem{OnPut: func(string) (bool, error) { return tt.apply, tt.err }}
			if err := m.Put(t.Context(), "a", archive.BytesBlob([]byte("x"))); err != tt.err {
				t.Errorf("got error %v, want %v", err, tt.err)
			}
			if _, ok := m.Object("a"); ok != tt.stored {
				t.Errorf("stored: %t, want %t", ok, tt.stored)
			}
		})
	}
}

func TestMemOnGet(t *testing.T) {
	m := &storetest.Mem{OnGet: func(name string, data []byte) ([]byte, error) {
		data[0] ^= 1
		return data[:2], nil
	}}
	m.Set("a", []byte("content"))
	r, err := m.Get(t.Context(), "a", 3, -1)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || string(got) != "ue" {
		t.Errorf("got %q, %v, want the hook's bytes", got, err)
	}
	if got, ok := m.Object("a"); !ok || string(got) != "content" {
		t.Errorf("the hook changed the object: %q", got)
	}
	fault := errors.New("fault")
	m.OnGet = func(string, []byte) ([]byte, error) { return nil, fault }
	if _, err := m.Get(t.Context(), "a", 0, -1); err != fault {
		t.Errorf("got error %v, want the hook's", err)
	}
}
