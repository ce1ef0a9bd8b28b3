package archive_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storetest"
)

func (m *meeting) attach(t *testing.T, p person, file string, epochs ...int) archive.Attachment {
	t.Helper()
	a, err := m.open(t, p).Attach(t.Context(), archive.AttachConfig{Signer: p, Kind: archive.Transcript, File: file, Data: []byte("what was said: " + file),
		Epochs: epochs, Time: time.Date(2026, 3, 1, 9, 30, len(file), 5, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (m *meeting) attachments(t *testing.T, p person) archive.Attachments {
	t.Helper()
	list, err := m.open(t, p).Attachments(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func attachedFiles(list archive.Attachments) (names []string) {
	for _, a := range list.All {
		if a.Err == nil {
			names = append(names, a.File)
		}
	}
	return names
}

// What a reader attaches is open to the readers of the epochs that it is about, now and
// later, and to nobody else. The recording does not change.
func TestAttach(t *testing.T) {
	m := newMeeting(t, true)
	whole := m.attach(t, m.ada, "whole.vtt")
	second := m.attach(t, m.bob, "second")
	first := m.attach(t, m.ada, "1", 1)
	if fmt.Sprint(whole.Epochs, second.Epochs, first.Epochs) != "[1 2 3] [2] [1]" {
		t.Errorf("%v %v %v", whole.Epochs, second.Epochs, first.Epochs)
	}
	if got := attachedFiles(m.attachments(t, m.ada)); !slices.Equal(got, []string{"1", "second", "whole.vtt"}) {
		t.Errorf("ada sees %q", got)
	}
	list := m.attachments(t, m.bob)
	if !slices.Equal(attachedFiles(list), []string{"second", "whole.vtt"}) || !slices.Equal(list.Locked, []string{first.Name}) || list.More {
		t.Errorf("bob sees %+v", list)
	}
	if list := m.attachments(t, m.carol); len(list.All) != 0 || len(list.Locked) != 3 {
		t.Errorf("carol sees %+v", list)
	}
	a, data, err := m.open(t, m.bob).ReadAttachment(t.Context(), whole.Name)
	if err != nil || string(data) != "what was said: whole.vtt" || a.By != "ada" || a.Kind != archive.Transcript || a.Size != int64(len(data)) ||
		!a.Time.Equal(time.Date(2026, 3, 1, 9, 30, 9, 0, time.UTC)) || a.Err != nil {
		t.Errorf("%+v, %q, %v", a, data, err)
	}
	if _, _, err := m.open(t, m.carol).ReadAttachment(t.Context(), whole.Name); !errors.Is(err, archive.ErrNoKey) {
		t.Error(err)
	}
	// Who is let in later can read it too.
	if _, err := m.open(t, m.ada).Share(t.Context(), archive.ShareConfig{Signer: m.ada, To: m.carol.key, Recipients: []age.Recipient{m.carol.id.Recipient()}, Epochs: []int{1}}); err != nil {
		t.Fatal(err)
	}
	if got := attachedFiles(m.attachments(t, m.carol)); !slices.Equal(got, []string{"1", "whole.vtt"}) {
		t.Errorf("carol sees %q", got)
	}
	now := m.objects(t)
	maps.DeleteFunc(now, func(name, _ string) bool {
		return strings.HasPrefix(name, "attachments/") || strings.HasPrefix(name, "shares/")
	})
	if !maps.Equal(now, m.recorded) {
		t.Error("what was recorded has changed")
	}
	// age and the epoch's secret open it, without this program.
	secret, err := age.ParseHybridIdentity(m.secrets[1])
	if err != nil {
		t.Fatal(err)
	}
	sealed, _ := m.store.Object(m.id + "/" + whole.Name)
	r, err := age.Decrypt(bytes.NewReader(sealed), secret)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	want := "sealtape.v1/attachment\nrecording: " + m.id + "\nkind: transcript\nfile: whole.vtt\ntime: 2026-03-01T09:30:09Z\nepochs: 1 2 3\nsize: 24\nsha256: "
	if err != nil || !strings.HasPrefix(string(plain), want) || !strings.HasSuffix(string(bytes.TrimRight(plain, "\x00")), "\nwhat was said: whole.vtt") {
		t.Errorf("%q, %v", plain, err)
	}
}

func TestAttachRefuses(t *testing.T) {
	m := newMeeting(t, false)
	for name, c := range map[string]archive.AttachConfig{
		"no signer":      {Kind: archive.File, File: "x"},
		"no kind":        {Signer: m.ada, File: "x"},
		"a removal":      {Signer: m.ada, Kind: "removal", File: archive.NewID()},
		"no name":        {Signer: m.ada, Kind: archive.File},
		"a path":         {Signer: m.ada, Kind: archive.File, File: "../x"},
		"a parent":       {Signer: m.ada, Kind: archive.File, File: ".."},
		"two lines":      {Signer: m.ada, Kind: archive.File, File: "a\nb"},
		"turned":         {Signer: m.ada, Kind: archive.File, File: "a\u202eb"},
		"a long name":    {Signer: m.ada, Kind: archive.File, File: strings.Repeat("x", 201)},
		"too large":      {Signer: m.ada, Kind: archive.File, File: "x", Data: make([]byte, archive.MaxAttached+1)},
		"no such epoch":  {Signer: m.ada, Kind: archive.File, File: "x", Epochs: []int{9}},
		"another's year": {Signer: m.ada, Kind: archive.File, File: "x", Time: time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		if _, err := m.open(t, m.ada).Attach(t.Context(), c); err == nil {
			t.Errorf("%s: attached", name)
		}
	}
	if _, err := m.open(t, m.bob).Attach(t.Context(), archive.AttachConfig{Signer: m.bob, Kind: archive.File, File: "x", Epochs: []int{1}}); !errors.Is(err, archive.ErrNoKey) {
		t.Errorf("bob attached to an epoch that he does not open: %v", err)
	}
	if n := len(m.objects(t)); n != len(m.recorded) {
		t.Errorf("%d objects, %d before", n, len(m.recorded))
	}
}

// An attachment by somebody whose card is not pinned, or was revoked, is told as such.
func TestAttachmentsOfOthers(t *testing.T) {
	m := newMeeting(t, false)
	a := m.attach(t, m.bob, "mine")
	open := func(trusted, revoked note.Verifiers) archive.Attachments {
		recorder, err := m.recorder.verifiers.Verifier(m.recorder.Name(), m.recorder.KeyHash())
		if err != nil {
			t.Fatal(err)
		}
		r, err := archive.Open(t.Context(), m.store, m.id, archive.Options{Verifiers: note.VerifierList(recorder), Granters: trusted, Revoked: revoked, Identities: []age.Identity{m.ada.id}})
		if err != nil {
			t.Fatal(err)
		}
		list, err := r.Attachments(t.Context())
		if err != nil || len(list.All) != 1 || list.All[0].Name != a.Name || list.All[0].By != "bob" {
			t.Fatalf("%+v, %v", list, err)
		}
		return list
	}
	if err := open(note.VerifierList(m.bob.verifier), nil).All[0].Err; err != nil {
		t.Error(err)
	}
	if err := open(note.VerifierList(m.ada.verifier), nil).All[0].Err; !errors.Is(err, archive.ErrForeignSigner) {
		t.Error(err)
	}
	if err := open(note.VerifierList(m.ada.verifier), note.VerifierList(m.bob.verifier)).All[0].Err; !errors.Is(err, archive.ErrRevokedAuthor) {
		t.Error(err)
	}
}

// Only its author takes an attachment back. It stays so if a store keeps it, or a copy
// brings it back.
func TestRemoveAttachment(t *testing.T) {
	m := newMeeting(t, false)
	mine, hers := m.attach(t, m.bob, "his", 2), m.attach(t, m.ada, "hers", 2)
	before, _ := m.store.Object(m.id + "/" + mine.Name)
	if _, err := m.open(t, m.ada).RemoveAttachment(t.Context(), m.ada, mine.Name); !errors.Is(err, archive.ErrNotAuthor) {
		t.Errorf("ada removed what is bob's: %v", err)
	}
	if _, err := m.open(t, m.bob).RemoveAttachment(t.Context(), m.bob, "attachments/"+archive.NewID()+".age"); !errors.Is(err, archive.ErrNoAttachment) {
		t.Error(err)
	}
	if kept, err := m.open(t, m.bob).RemoveAttachment(t.Context(), m.bob, mine.Name); kept != nil || err != nil {
		t.Fatal(kept, err)
	}
	if _, there := m.store.Object(m.id + "/" + mine.Name); there {
		t.Error("it is still there")
	}
	if err := m.store.Put(t.Context(), m.id+"/"+mine.Name, archive.BytesBlob(before)); err != nil {
		t.Fatal(err)
	}
	if got := attachedFiles(m.attachments(t, m.ada)); !slices.Equal(got, []string{hers.File}) {
		t.Errorf("there are %q", got)
	}
}

// Attachments are copied, repaired, verified and removed with their recording.
func TestAttachmentsGoAlong(t *testing.T) {
	m := newMeeting(t, false)
	a := m.attach(t, m.ada, "whole")
	other := &storetest.Mem{}
	if err := archive.Copy(t.Context(), other, m.store, m.id); err != nil {
		t.Fatal(err)
	}
	want, _ := m.store.Object(m.id + "/" + a.Name)
	if got, _ := other.Object(m.id + "/" + a.Name); !bytes.Equal(got, want) {
		t.Error("the copy has another attachment")
	}
	options := archive.Options{Verifiers: m.recorder.verifiers}
	problems := func(s archive.Store) (found []string) {
		if _, err := archive.Verify(t.Context(), s, m.id, options, func(p archive.Problem) { found = append(found, p.Object) }); err != nil {
			t.Fatal(err)
		}
		return found
	}
	if got := problems(other); len(got) > 0 {
		t.Errorf("problems: %q", got)
	}
	b := archive.BytesBlob([]byte("damaged"))
	b.Replace = true
	if err := other.Put(t.Context(), m.id+"/"+a.Name, b); err != nil {
		t.Fatal(err)
	}
	if got := problems(other); !slices.Equal(got, []string{a.Name}) {
		t.Errorf("problems: %q", got)
	}
	if n, err := archive.CopyAttachments(t.Context(), other, m.store, m.id); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if got := problems(other); len(got) > 0 {
		t.Errorf("problems: %q", got)
	}
	if err := archive.Remove(t.Context(), other, m.id, options); err != nil {
		t.Fatal(err)
	}
	if _, there := other.Object(m.id + "/" + a.Name); there {
		t.Error("the attachment outlives its recording")
	}
}

// What others put in the place of attachments is bounded, named, and does no harm.
func TestHostileAttachments(t *testing.T) {
	m := newMeeting(t, false)
	a := m.attach(t, m.ada, "genuine", 2)
	genuine, _ := m.store.Object(m.id + "/" + a.Name)
	put := func(name string, data []byte) {
		t.Helper()
		if err := m.store.Put(t.Context(), m.id+"/"+name, archive.BytesBlob(data)); err != nil {
			t.Fatal(err)
		}
	}
	secret, err := age.ParseHybridIdentity(m.secrets[0])
	if err != nil {
		t.Fatal(err)
	}
	second, err := age.ParseHybridIdentity(m.secrets[1])
	if err != nil {
		t.Fatal(err)
	}
	r, err := age.Decrypt(bytes.NewReader(genuine), second)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	seal := func(to *age.HybridIdentity, text []byte) []byte {
		var b bytes.Buffer
		recipients := []age.Recipient{to.Recipient()}
		for range 8 {
			recipients = append(recipients, hybrid(t).Recipient())
		}
		w, err := age.Encrypt(&b, recipients...)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	bad := map[string][]byte{
		"sealed again to other readers": seal(secret, plain),
		"another text":                  seal(second, bytes.Replace(plain, []byte("what was said"), []byte("what was done"), 1)),
		"without padding":               seal(second, bytes.TrimRight(plain, "\x00")),
		"no note":                       seal(second, []byte("hello")),
		"another kind":                  seal(second, bytes.Replace(plain, []byte("kind: transcript"), []byte("kind: minutes"), 1)),
	}
	var names []string
	for _, data := range bad {
		name := archive.AttachmentName(data)
		put(name, data)
		names = append(names, name)
	}
	wrong := "attachments/" + archive.NewID() + ".age"
	put(wrong, genuine)
	names = append(names, wrong)
	put("attachments/readme.txt", []byte("hello"))
	put("attachments/"+archive.NewID()+".age", []byte("too small to look at"))
	strange := seal(hybrid(t), []byte("for others"))
	put(archive.AttachmentName(strange), strange)
	list := m.attachments(t, m.ada)
	if !slices.Equal(attachedFiles(list), []string{"genuine"}) || !slices.Equal(list.Locked, []string{archive.AttachmentName(strange)}) {
		t.Errorf("%+v", list)
	}
	var told []string
	for _, a := range list.All {
		var corrupt *archive.CorruptError
		if a.Err != nil {
			if told = append(told, a.Name); !errors.As(a.Err, &corrupt) {
				t.Errorf("%s: %v", a.Name, a.Err)
			}
		}
	}
	slices.Sort(names)
	slices.Sort(told)
	if !slices.Equal(told, names) {
		t.Errorf("told of %q, want %q", told, names)
	}
	many := bytes.Repeat([]byte("x"), 13_000)
	for range 300 {
		put("attachments/"+archive.NewID()+".age", many)
	}
	if list := m.attachments(t, m.ada); !list.More || len(list.All)+len(list.Locked) > 256 {
		t.Errorf("more %v, %d and %d", list.More, len(list.All), len(list.Locked))
	}
}
