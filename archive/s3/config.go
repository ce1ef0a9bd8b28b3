package s3

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/sealtape/sealtape/archive"
)

// A Config says where a bucket is and who asks. It prints without its secrets.
type Config struct {
	// Endpoint is the server's URL, http or https, without a path. Empty means
	// Amazon S3. Over http anyone on the way sees the names and sizes of the
	// objects, which are sealed, and can delay requests, which are signed.
	Endpoint string
	// Region is the bucket's region. Empty means to ask the server, for which
	// not every key has the permission.
	Region string
	// Bucket must exist. It may hold other things beside the archive.
	Bucket string
	// Prefix comes before each object's name, with a slash in between; empty for
	// none. It may itself have slashes, but no empty, "." or ".." elements.
	Prefix string

	// AccessKey and SecretKey sign the requests; SessionToken goes with temporary
	// ones. All empty is for a Config from FromEnv only.
	AccessKey    string `json:"-"`
	SecretKey    string `json:"-"`
	SessionToken string `json:"-"`

	// shared reads the AWS files again when what they held has expired.
	shared *credentials.Credentials
}

// FromEnv returns the Config for a bucket that the AWS environment variables
// describe, as other S3 tools read them: AWS_ENDPOINT_URL_S3 or else
// AWS_ENDPOINT_URL; AWS_REGION or else AWS_DEFAULT_REGION; AWS_ACCESS_KEY_ID,
// AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN. Without a key in the environment
// it takes the one in the AWS shared files (~/.aws/credentials and ~/.aws/config,
// or where AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE say) of the profile
// AWS_PROFILE. If there is none either, the error wraps archive.ErrDenied.
func FromEnv(bucket, prefix string) (Config, error) {
	c := Config{
		Endpoint:     cmp.Or(os.Getenv("AWS_ENDPOINT_URL_S3"), os.Getenv("AWS_ENDPOINT_URL")),
		Region:       cmp.Or(os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION")),
		Bucket:       bucket,
		Prefix:       prefix,
		AccessKey:    os.Getenv("AWS_ACCESS_KEY_ID"),
		SecretKey:    os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken: os.Getenv("AWS_SESSION_TOKEN"),
	}
	if (c.AccessKey == "") != (c.SecretKey == "") {
		return Config{}, fmt.Errorf("%w: only one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY is set", archive.ErrDenied)
	}
	if c.AccessKey == "" {
		c.SessionToken = ""
		c.shared = credentials.NewFileAWSCredentials("", "")
		// What is wrong with the files is not told further: a parser quotes the
		// line it trips over, and these lines are secret.
		if v, err := c.shared.GetWithContext(nil); err != nil || v.AccessKeyID == "" || v.SecretAccessKey == "" {
			return Config{}, fmt.Errorf("%w: no key in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, nor in the AWS shared files", archive.ErrDenied)
		}
	}
	return c, nil
}

// String returns the Config without its keys.
func (c Config) String() string {
	return fmt.Sprintf("s3://%s/%s at %s", c.Bucket, c.Prefix, cmp.Or(c.Endpoint, "Amazon S3"))
}

// GoString is String, so that %#v shows no keys either.
func (c Config) GoString() string { return c.String() }

// LogValue is String, for slog.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// credentials returns what signs the requests.
func (c Config) credentials() (*credentials.Credentials, error) {
	switch {
	case c.AccessKey != "" && c.SecretKey != "":
		return credentials.NewStaticV4(c.AccessKey, c.SecretKey, c.SessionToken), nil
	case c.AccessKey == "" && c.SecretKey == "" && c.shared != nil:
		return c.shared, nil
	}
	return nil, fmt.Errorf("%w: no access key and secret key given", archive.ErrDenied)
}

// endpoint returns the server's host and whether it speaks TLS.
func (c Config) endpoint() (host string, secure bool, err error) {
	if c.Endpoint == "" {
		return "s3.amazonaws.com", true, nil // minio-go goes on to the region's host
	}
	u, err := url.Parse(c.Endpoint)
	// The error of Parse quotes the URL, which may hold a password.
	if err != nil || u.User != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") ||
		strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", false, errors.New("the S3 endpoint must be of the form https://HOST or http://HOST:PORT")
	}
	return u.Host, u.Scheme == "https", nil
}

// keyPrefix returns what comes before each object's name.
func (c Config) keyPrefix() (string, error) {
	prefix := strings.Trim(c.Prefix, "/")
	if prefix == "" {
		return "", nil
	}
	if len(prefix) > 512 || !utf8.ValidString(prefix) {
		return "", errors.New("the S3 prefix must be UTF-8 of at most 512 bytes")
	}
	for elem := range strings.SplitSeq(prefix, "/") {
		if elem == "" || elem == "." || elem == ".." || strings.ContainsFunc(elem, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return "", fmt.Errorf("the S3 prefix %q has an element that is empty, a dot, or not printable", c.Prefix)
		}
	}
	return prefix + "/", nil
}
