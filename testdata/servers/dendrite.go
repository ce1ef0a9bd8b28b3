package servers

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/sealtape/sealtape/testdata/servers/build"
)

// A Dendrite is a running Matrix homeserver. Anybody may register with it. It
// keeps its data in SQLite files that go when it stops, and has neither delayed
// events (MSC4140) nor sticky ones (MSC4354): package homeserver adds them.
type Dendrite struct {
	*process
	URL  string // http://127.0.0.1:PORT
	Name string // what comes after the colon in its users' names
}

// StartDendrite starts a homeserver without users and returns once it answers.
// The context is for the start only; progress may be nil.
func StartDendrite(ctx context.Context, progress func(string)) (*Dendrite, error) {
	path, err := build.Dendrite.Path(ctx, progress)
	if err != nil {
		return nil, err
	}
	s := &Dendrite{Name: "meet.test"}
	s.process, err = retryPorts(func() (*process, error) {
		ports, err := FreePorts(2)
		if err != nil {
			return nil, err
		}
		dir, err := os.MkdirTemp("", "sealtape-dendrite-")
		if err != nil {
			return nil, err
		}
		if err := s.write(dir); err != nil {
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
		s.URL = fmt.Sprintf("http://127.0.0.1:%d", ports[0])
		return startIn(ctx, dir, "dendrite", path, []string{
			"-config", "dendrite.yaml", "-really-enable-open-registration",
			"-http-bind-address", fmt.Sprintf("127.0.0.1:%d", ports[0]),
			"-https-bind-address", fmt.Sprintf("127.0.0.1:%d", ports[1]),
		}, nil, s.URL+"/_matrix/client/versions")
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// write puts the server's key and configuration into its folder. Federation is
// on, as only then it says whose an OpenID token is; with users of its own only,
// it sends nothing.
func (s *Dendrite) write(dir string) error {
	var seed [32]byte
	rand.Read(seed[:])
	key := pem.EncodeToMemory(&pem.Block{Type: "MATRIX PRIVATE KEY", Headers: map[string]string{"Key-ID": "ed25519:1"}, Bytes: seed[:]})
	if err := os.WriteFile(filepath.Join(dir, "key.pem"), key, 0o600); err != nil {
		return err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `version: 2
global:
  server_name: %s
  private_key: key.pem
  disable_federation: false
  cache: {max_size_estimated: 64mb, max_age: 1h}
  presence: {enable_inbound: false, enable_outbound: false}
  report_stats: {enabled: false}
  jetstream: {addresses: [], storage_path: ., in_memory: true, topic_prefix: Dendrite}
  metrics: {enabled: false}
client_api:
  registration_disabled: false
  guests_disabled: true
  enable_registration_captcha: false
  rate_limiting: {enabled: false}
tracing: {enabled: false}
logging: [{type: std, level: info}]
`, s.Name)
	for _, part := range []struct{ name, key, more string }{
		{"federation_api", "database", "send_max_retries: 1, disable_tls_validation: true, key_perspectives: [], "},
		{"key_server", "database", ""},
		{"media_api", "database", "base_path: media, "},
		{"room_server", "database", ""},
		{"sync_api", "database", "search: {enabled: false}, "},
		{"user_api", "account_database", "bcrypt_cost: 4, "},
		{"relay_api", "database", ""},
		{"mscs", "database", "mscs: [], "},
	} {
		fmt.Fprintf(&b, "%s: {%s%s: {connection_string: 'file:%s.db', max_open_conns: 1, max_idle_conns: 1, conn_max_lifetime: -1}}\n",
			part.name, part.more, part.key, part.name)
	}
	return os.WriteFile(filepath.Join(dir, "dendrite.yaml"), b.Bytes(), 0o600)
}
