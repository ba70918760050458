// What go-yaml v3 makes of single values. Each line on stdin is a JSON string; each line on stdout is a JSON
// list: the text of a document that has the string in every place a scalar can have, what the string means
// unquoted, and, where it is 16 hexadecimal digits, the float of these bits in Go's forms 'f' and 'g'.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"
)

func native(value interface{}) *yaml.Node {
	node := &yaml.Node{}
	_ = node.Encode(value) // the node stays empty where go-yaml cannot read its own text
	return node
}

func document(text string) (out string) {
	defer func() {
		if problem := recover(); problem != nil {
			out = fmt.Sprint("panic: ", problem)
		}
	}()
	node := func() *yaml.Node { return native(text) }
	inner := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{node(), node()}}
	list := &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{node(), inner}}
	flow := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle, Content: []*yaml.Node{node(), inner}}
	root := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{
		native("k"), node(), native("l"), list, native("f"), flow, node(), native("x")}}
	var buffer bytes.Buffer
	encoder := yaml.NewEncoder(&buffer)
	encoder.SetIndent(4)
	if err := encoder.Encode(root); err != nil {
		return err.Error()
	}
	if err := encoder.Close(); err != nil {
		return err.Error()
	}
	return buffer.String()
}

func meaning(text string) string {
	var value interface{}
	node := &yaml.Node{Kind: yaml.ScalarNode, Value: text}
	if err := node.Decode(&value); err != nil {
		return err.Error()
	}
	switch value := value.(type) {
	case nil:
		return "null"
	case float64:
		if math.IsNaN(value) {
			return "float nan"
		}
		return fmt.Sprintf("float %016x", math.Float64bits(value))
	case time.Time:
		return "time " + value.Format(time.RFC3339Nano)
	default:
		return fmt.Sprintf("%T %v", value, value)
	}
}

func main() {
	in := json.NewDecoder(bufio.NewReader(os.Stdin))
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	encoder := json.NewEncoder(out)
	for in.More() {
		var text string
		if err := in.Decode(&text); err != nil {
			panic(err)
		}
		answer := []string{document(text), meaning(text)}
		if bits, err := strconv.ParseUint(text, 16, 64); err == nil && len(text) == 16 {
			float := math.Float64frombits(bits)
			answer = append(answer, strconv.FormatFloat(float, 'f', -1, 64), strconv.FormatFloat(float, 'g', -1, 64))
		}
		if err := encoder.Encode(answer); err != nil {
			panic(err)
		}
	}
}
