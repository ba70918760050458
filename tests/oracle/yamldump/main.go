// Yamldump prints what go-yaml v3 makes of YAML texts: the oracle of tests/yaml_oracle.rs.
//
// Standard input holds the texts, each behind its length in bytes and a line feed. For each, one line of JSON
// is printed:
//
//	nodes    the nodes of every document that parsed before an error, in the order of the text
//	error    text of the error that ended the stream (absent if none)
//	maperr   text of the error from decoding document 1 into a string-keyed map
//	emitted  all parsed documents encoded again, indent 4 (absent after an error)
//	emiterr  text of an encoder error
//	rebuilt  the same documents with every scalar decoded to a native value and encoded again and every
//	         collection made anew without style or tag; comments are carried the way a tree that keeps
//	         comments as list elements would carry them (map root documents only)
//
// Node fields: d depth, k kind, s styles, tag short tag, v value, a anchor, l line, c column, h head, i line
// (inline) comment, f foot.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

type N struct {
	D   int      `json:"d"`
	K   string   `json:"k"`
	S   []string `json:"s,omitempty"`
	Tag string   `json:"tag,omitempty"`
	V   *string  `json:"v,omitempty"`
	A   string   `json:"a,omitempty"`
	L   int      `json:"l"`
	C   int      `json:"c"`
	H   string   `json:"h,omitempty"`
	I   string   `json:"i,omitempty"`
	F   string   `json:"f,omitempty"`
}

type Out struct {
	Nodes   []*N    `json:"nodes"`
	Err     string  `json:"error,omitempty"`
	MapErr  string  `json:"maperr,omitempty"`
	Emitted *string `json:"emitted,omitempty"`
	EmitErr string  `json:"emiterr,omitempty"`
	Rebuilt *string `json:"rebuilt,omitempty"`
}

var kinds = map[yaml.Kind]string{yaml.DocumentNode: "doc", yaml.SequenceNode: "seq",
	yaml.MappingNode: "map", yaml.ScalarNode: "scalar", yaml.AliasNode: "alias"}

var styles = []struct {
	b yaml.Style
	n string
}{{yaml.TaggedStyle, "tagged"}, {yaml.DoubleQuotedStyle, "double"}, {yaml.SingleQuotedStyle, "single"},
	{yaml.LiteralStyle, "literal"}, {yaml.FoldedStyle, "folded"}, {yaml.FlowStyle, "flow"}}

func dump(n *yaml.Node, depth int, to []*N) []*N {
	r := &N{D: depth, K: kinds[n.Kind], A: n.Anchor, L: n.Line, C: n.Column,
		H: n.HeadComment, I: n.LineComment, F: n.FootComment}
	if n.Kind != yaml.DocumentNode && n.Kind != yaml.AliasNode {
		r.Tag = n.ShortTag()
	}
	for _, s := range styles {
		if n.Style&s.b != 0 {
			r.S = append(r.S, s.n)
		}
	}
	if n.Kind == yaml.ScalarNode || n.Kind == yaml.AliasNode {
		v := n.Value
		r.V = &v
	}
	to = append(to, r)
	for _, c := range n.Content {
		to = dump(c, depth+1, to)
	}
	return to
}

// ---- rebuilt form -------------------------------------------------------

type item struct { // one element of a map or list: a comment or an entry
	comment string
	isC     bool
	inline  bool
	key     *yaml.Node
	val     *yaml.Node
}

func lines(s string, inline bool, to []item) []item {
	for _, l := range strings.Split(s, "\n") {
		if l != "" {
			to = append(to, item{comment: l[1:], isC: true, inline: inline})
		}
	}
	return to
}

func native(n *yaml.Node) *yaml.Node {
	var v interface{}
	n.Decode(&v)
	r := &yaml.Node{}
	r.Encode(v)
	return r
}

var budget int

func build(n *yaml.Node, done bool, depth int) *yaml.Node {
	if budget--; depth > 200 || budget < 0 {
		panic("too large")
	}
	for n.Kind == yaml.AliasNode {
		n, done = n.Alias, false
	}
	var items []item
	add := func(s string, inline bool) { items = lines(s, inline, items) }
	if n.Kind == yaml.ScalarNode {
		return native(n)
	}
	if !done {
		add(n.HeadComment, false)
		add(n.LineComment, false)
	}
	out := &yaml.Node{Kind: n.Kind}
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			k, v := n.Content[i], n.Content[i+1]
			add(k.HeadComment, false)
			add(k.LineComment, false)
			leaf := v.Kind == yaml.ScalarNode || v.Kind == yaml.AliasNode
			if leaf {
				add(v.HeadComment, false)
				add(v.LineComment, true)
			}
			items = append(items, item{key: native(k), val: build(v, leaf, depth+1)})
			if leaf {
				add(v.FootComment, false)
			}
			add(k.FootComment, false)
		}
	} else {
		for _, v := range n.Content {
			add(v.HeadComment, false)
			add(v.LineComment, true)
			items = append(items, item{val: build(v, true, depth+1)})
			add(v.FootComment, false)
		}
	}
	if !done {
		add(n.FootComment, false)
	}
	var head, inl []string
	join := func(c []string) string { return "#" + strings.Join(c, "\n#") }
	first := true
	prepend := func(t *yaml.Node) {
		if len(head) > 0 {
			c := join(head)
			if t.HeadComment != "" {
				c += "\n" + t.HeadComment
			}
			t.HeadComment, head = c, nil
		}
	}
	for _, it := range items {
		if it.isC {
			if it.inline {
				inl = append(inl, it.comment)
			} else {
				head = append(head, it.comment)
			}
			continue
		}
		if first {
			prepend(out)
			first = false
		}
		if it.key != nil {
			prepend(it.key)
			out.Content = append(out.Content, it.key)
		} else {
			prepend(it.val)
		}
		if len(inl) > 0 {
			c := join(inl)
			if it.val.LineComment != "" {
				c = it.val.LineComment + "\n" + c
			}
			it.val.LineComment, inl = c, nil
		}
		out.Content = append(out.Content, it.val)
	}
	head = append(head, inl...)
	if len(head) > 0 {
		if first {
			prepend(out)
		} else {
			back := 1
			if out.Kind == yaml.MappingNode {
				back = 2
			}
			t := out.Content[len(out.Content)-back]
			c := join(head)
			if t.FootComment != "" {
				c = t.FootComment + "\n" + c
			}
			t.FootComment = c
		}
	}
	return out
}

func encode(docs []*yaml.Node) (text string, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(4)
	for _, d := range docs {
		if err := e.Encode(d); err != nil {
			return "", err
		}
	}
	if err := e.Close(); err != nil {
		return "", err
	}
	return b.String(), nil
}

func rebuild(docs []*yaml.Node) (text *string) {
	defer func() {
		if p := recover(); p != nil {
			text = nil
		}
	}()
	budget = 5000
	var out []*yaml.Node
	for _, d := range docs {
		root := d.Content[0]
		var m *yaml.Node
		if root.Kind == yaml.ScalarNode && root.ShortTag() == "!!null" {
			m = build(&yaml.Node{Kind: yaml.MappingNode, HeadComment: d.HeadComment + "\n" + root.HeadComment,
				LineComment: root.LineComment, FootComment: d.FootComment}, false, 0)
		} else if root.Kind == yaml.MappingNode {
			w := *root
			w.HeadComment = strings.TrimPrefix(d.HeadComment+"\n"+root.HeadComment, "\n")
			w.FootComment = strings.TrimSuffix(root.FootComment+"\n"+d.FootComment, "\n")
			m = build(&w, false, 0)
		} else {
			return nil
		}
		out = append(out, &yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{m}})
	}
	s, err := encode(out)
	if err != nil || len(out) == 0 {
		return nil
	}
	return &s
}

func cyclic(docs []*yaml.Node) bool {
	var bad bool
	on := map[*yaml.Node]bool{}
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		if bad {
			return
		}
		if n.Kind == yaml.AliasNode {
			n = n.Alias
		}
		if on[n] {
			bad = true
			return
		}
		on[n] = true
		for _, c := range n.Content {
			walk(c)
		}
		delete(on, n)
	}
	for _, d := range docs {
		walk(d)
	}
	return bad
}

func one(data []byte, noRebuild bool) *Out {
	o := &Out{Nodes: []*N{}}
	if len(data) > 0 {
		func() {
			defer func() {
				if p := recover(); p != nil {
					o.MapErr = fmt.Sprintf("panic: %v", p)
				}
			}()
			if err := yaml.NewDecoder(bytes.NewReader(data)).Decode(make(map[string]interface{})); err != nil {
				o.MapErr = err.Error()
			}
		}()
	}
	var docs []*yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(data))
	func() {
		defer func() {
			if p := recover(); p != nil {
				o.Err = fmt.Sprintf("panic: %v", p)
			}
		}()
		for {
			n := &yaml.Node{}
			err := d.Decode(n)
			if err == io.EOF {
				return
			}
			if err != nil {
				o.Err = err.Error()
				return
			}
			docs = append(docs, n)
		}
	}()
	for _, n := range docs {
		o.Nodes = dump(n, 0, o.Nodes)
	}
	if o.Err == "" && len(docs) > 0 {
		s, err := encode(docs)
		if err != nil {
			o.EmitErr = err.Error()
		} else {
			o.Emitted = &s
		}
		if !noRebuild && !cyclic(docs) {
			o.Rebuilt = rebuild(docs)
		}
	}
	return o
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	for {
		head, err := in.ReadString('\n')
		if err == io.EOF {
			break
		}
		if err != nil {
			panic(err)
		}
		size, err := strconv.Atoi(strings.TrimSpace(head))
		if err != nil {
			panic(err)
		}
		data := make([]byte, size)
		if _, err := io.ReadFull(in, data); err != nil {
			panic(err)
		}
		if err := e.Encode(one(data, len(data) > 5000)); err != nil {
			panic(err)
		}
	}
	if err := out.Flush(); err != nil {
		panic(err)
	}
}
