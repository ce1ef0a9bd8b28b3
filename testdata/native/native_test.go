package native_test

import (
	"context"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/testdata/media"
	"github.com/sealtape/sealtape/testdata/members"
	"github.com/sealtape/sealtape/testdata/native"
	"github.com/sealtape/sealtape/testdata/sample"
	"github.com/sealtape/sealtape/testdata/servers"
)

const passphrase = "what the members know"

func startServer(t *testing.T) (context.Context, *servers.LiveKit) {
	t.Helper()
	ctx := sample.Context(t)
	s, err := servers.StartLiveKit(ctx, servers.LiveKitConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return ctx, s
}

func startMember(t *testing.T, ctx context.Context, s *servers.LiveKit, identity string, c native.Config) *native.Member {
	t.Helper()
	var err error
	c.URL = s.URL
	c.Token, err = members.Token(s.APIKey, s.APISecret, members.Grant{Room: t.Name(), Identity: identity, Name: strings.ToUpper(identity)})
	if err != nil {
		t.Fatal(err)
	}
	m, err := native.Start(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Leave(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func wait(t *testing.T, ctx context.Context, m *native.Member, what string, cond func(native.State) bool) native.State {
	t.Helper()
	s, err := m.Wait(ctx, cond)
	if err != nil {
		t.Fatalf("%s: %v; last state: %+v", what, err, s)
	}
	return s
}

// TestUnderstandsMembers holds that the native SDK opens what package members
// encrypts, sound, pictures and chat, so that the Go members stand for native
// clients.
func TestUnderstandsMembers(t *testing.T) {
	sample.Live(t)
	ctx, s := startServer(t)
	ada := startMember(t, ctx, s, "ada", native.Config{Passphrase: passphrase, Hz: 440, Codec: "vp8", Watch: true})
	m, err := members.Join(ctx, members.Config{
		URL: s.URL, APIKey: s.APIKey, APISecret: s.APISecret, Room: t.Name(), Identity: "gopher",
		Passphrase: passphrase, Audio: media.Speech(0), VideoCodec: "h264",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Leave()
	wait(t, ctx, ada, "hearing and seeing the gopher", func(s native.State) bool {
		p := s.Watched("gopher")
		return s.Heard("gopher").Loud > 20 && p.Frames >= 20 && p.Width == 320 && p.Height == 180
	})
	m.Say("hello from a gopher")
	wait(t, ctx, ada, "a message", func(s native.State) bool {
		return len(s.Messages) == 1 && s.Messages[0].From == "gopher" && s.Messages[0].Text == "hello from a gopher"
	})
	if err := ada.Say(ctx, `"hello" from ada`); err != nil {
		t.Fatal(err)
	}
	err = m.Wait(ctx, func() bool {
		got := m.Messages()
		return len(got) == 1 && got[0].From == "ada" && got[0].Text == `"hello" from ada`
	})
	if err != nil {
		t.Fatalf("ada's message: %v, there are %+v", err, m.Messages())
	}
}
