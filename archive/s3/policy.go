package s3

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"

	"github.com/sealtape/sealtape/archive"
)

// Policy returns the JSON of an IAM policy for a recorder's key. The key can add
// to the archive and read it. It can overwrite only the head and log of
// recordings, which grow, and remove only the objects that were put to try the
// store. The policy allows PutObject, GetObject and ListBucket on the prefix.
//
// The condition s3:if-none-match forbids overwriting anything else. It is
// Amazon's: other servers refuse a policy that has it, so theirs is without it,
// and there the bucket must have versions. The same holds for the use of a KMS
// key that is not named by an ARN.
func (c Config) Policy() (string, error) {
	prefix, err := c.keyPrefix()
	if err != nil {
		return "", err
	}
	// Characters that are wildcards or variables in a policy cannot be part of a
	// name in it.
	if strings.ContainsAny(c.Bucket+prefix, "*?$") {
		return "", fmt.Errorf("a policy cannot name the prefix %q: %w", c.Prefix, fs.ErrInvalid)
	}
	bucket := "arn:aws:s3:::" + c.Bucket
	objects := func(names ...string) (arns []string) {
		for _, name := range names {
			arns = append(arns, bucket+"/"+prefix+name)
		}
		return arns
	}
	type condition map[string]map[string]string
	type statement struct {
		Sid       string
		Effect    string
		Action    []string
		Resource  []string
		Condition condition `json:",omitempty"`
	}
	once := statement{Sid: "AddObjects", Effect: "Allow", Action: []string{"s3:PutObject"},
		Resource: objects("*/epochs/*", "*/segments/*", "*/index/*", "*/shares/*", "*/attachments/*")}
	if c.Endpoint == "" {
		once.Condition = condition{"Null": {"s3:if-none-match": "false"}}
	}
	list := statement{Sid: "List", Effect: "Allow", Action: []string{"s3:ListBucket"}, Resource: []string{bucket}}
	if prefix != "" {
		list.Condition = condition{"StringLike": {"s3:prefix": prefix + "*"}}
	}
	all := []statement{
		once,
		{Sid: "ReplaceHeadAndLog", Effect: "Allow", Action: []string{"s3:PutObject"}, Resource: objects("*/head", "*/log/*")},
		{Sid: "Read", Effect: "Allow", Action: []string{"s3:GetObject"}, Resource: objects("*")},
		list,
		{Sid: "Try", Effect: "Allow", Action: []string{"s3:PutObject", "s3:DeleteObject"}, Resource: objects(archive.ScratchPrefix + "*")},
	}
	if c.Retain > 0 {
		all = append(all, statement{Sid: "Retain", Effect: "Allow", Action: []string{"s3:PutObjectRetention"}, Resource: objects("*")})
	}
	if strings.HasPrefix(c.KMSKey, "arn:") || c.KMS && c.Endpoint == "" {
		encrypt := statement{Sid: "EncryptAtRest", Effect: "Allow", Action: []string{"kms:GenerateDataKey", "kms:Decrypt"}, Resource: []string{c.KMSKey}}
		switch alias := strings.HasPrefix(c.KMSKey, "alias/"); {
		case strings.HasPrefix(c.KMSKey, "arn:"):
		case c.KMSKey == "", alias:
			// A policy names keys by ARN, not by alias.
			encrypt.Resource = []string{"arn:aws:kms:*:*:key/*"}
			encrypt.Condition = condition{"StringLike": {"kms:ViaService": "s3.*.amazonaws.com"}}
			if alias {
				encrypt.Condition["ForAnyValue:StringEquals"] = map[string]string{"kms:ResourceAliases": c.KMSKey}
			}
		default:
			encrypt.Resource = []string{"arn:aws:kms:*:*:key/" + c.KMSKey}
		}
		all = append(all, encrypt)
	}
	b, err := json.MarshalIndent(struct {
		Version   string
		Statement []statement
	}{"2012-10-17", all}, "", "  ")
	return string(b), err
}
