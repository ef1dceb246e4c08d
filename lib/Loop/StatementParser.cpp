// The lines of a kernel, read.
#include "StatementParser.h"

#include "gdjit/Loop/Parser.h"
#include "gdjit/Loop/Types.h"
#include "gdjit/Support/Suggest.h"

#include <algorithm>
#include <fmt/format.h>

namespace gdjit::loop {

// Kernels and loops.

void StatementParser::open_kernel() {
  Kernel& kernel = program_.kernels.emplace_back();
  open_ = true; // even where the line is wrong, so that the lines behind are read as what they are
  loops_.clear();
  loop_names_.clear();
  types_.clear();
  tiles_.clear();
  numbers_.assign(1, {});
  node_ = no_node;
  next_unnumbered_ = first_free_number();
  kernel.name = in_.name("the name of a kernel");
  if (in_.peek() == '"')
    kernel.title = in_.quoted("the title of a kernel");
  in_.expect('{', "to open the kernel");
  in_.end_line();
}

/// Above all numbers of values up to the end of the kernel, so that messages keep the text's own.
ValueId StatementParser::first_free_number() {
  std::string_view rest = in_.rest();
  rest = rest.substr(0, rest.find("\n}"));
  int64_t least = 0;
  for (size_t at = rest.find('%'); at != std::string_view::npos; at = rest.find('%', at + 1)) {
    int64_t number = 0;
    for (size_t i = at + 1; i < rest.size() && rest[i] >= '0' && rest[i] <= '9'; ++i)
      number = std::min(number * 10 + (rest[i] - '0'), most_values);
    least = std::max(least, std::min(number + 1, most_values));
  }
  return static_cast<ValueId>(least);
}

void StatementParser::line() {
  if (in_.peek() == '}')
    return close();
  statement();
}

void StatementParser::close() {
  in_.expect('}', "");
  if (!loops_.empty()) {
    Statement loop = std::move(loops_.back());
    loops_.pop_back();
    loop_names_.pop_back();
    numbers_.pop_back();
    (loops_.empty() ? kernel().body : loops_.back().body).push_back(std::move(loop));
    in_.end_line();
    return;
  }
  open_ = false;
  if (in_.try_word("because"))
    kernel().reason = in_.quoted("the reason of a boundary");
  in_.end_line();
}

void StatementParser::for_loop() {
  Statement s;
  s.kind = StatementKind::For;
  size_t at = (in_.peek(), in_.offset());
  if (in_.try_word("unrolled"))
    s.loop_kind = LoopKind::unrolled;
  else if (in_.try_word("parallel"))
    s.loop_kind = LoopKind::parallel;
  in_.expect_word("for");
  std::string name(in_.word("the name of a loop"));
  // Opened before the rest is read: where that is wrong, the body still has its braces and its
  // variable.
  bool deep = loops_.size() >= static_cast<size_t>(TextLimits::nesting);
  bool taken = std::find(loop_names_.begin(), loop_names_.end(), name) != loop_names_.end();
  s.loop = kernel().loops++;
  kernel().loop_names.push_back(name);
  loop_names_.push_back(name);
  offsets_.push_back(at);
  loops_.push_back(std::move(s));
  numbers_.emplace_back();
  Statement& loop = loops_.back();
  if (!is_loop_name(name))
    in_.fail_at(at, fmt::format("'{}' cannot name a loop", name));
  if (taken)
    in_.fail_at(at, fmt::format("a loop around is named '{}', too", name));
  if (deep)
    in_.fail_at(at, fmt::format("loops are nested deeper than {}", TextLimits::nesting));
  in_.expect_word("in");
  loop.begin = in_.integer("the begin of a loop");
  if (!in_.try_text(".."))
    in_.fail(fmt::format("expected '..' behind the begin of the loop, found {}", in_.found()));
  loop.end = in_.integer("the end of a loop");
  if (in_.try_word("step"))
    loop.step = in_.integer("the step of a loop", 1, TextLimits::magnitude);
  in_.expect('{', "to open the loop");
  note(loop);
}

// Statements.

void StatementParser::statement() {
  size_t at = in_.offset();
  if (in_.try_word("for") || in_.try_word("unrolled") || in_.try_word("parallel")) {
    in_.go_to(at);
    return for_loop();
  }
  Statement s;
  in_place_.clear();
  parentheses_ = 0;
  if (in_.peek() == '%')
    assignment(s);
  else if (in_.try_word("store"))
    store(s);
  else if (in_.try_word("streaming")) {
    s.streaming = true;
    in_.expect_word("store");
    store(s);
  } else if (in_.try_word("set")) {
    s.kind = StatementKind::Set;
    s.tile = known_tile();
    written(s);
  } else if (in_.try_word("tile"))
    tile(s);
  else if (in_.try_word("transpose")) {
    s.kind = StatementKind::Transpose;
    s.tile = known_tile();
    access(s.index);
    s.type = tiles_[s.tile];
  } else if (in_.try_word("prefetch")) {
    s.kind = StatementKind::Prefetch;
    s.buffer = buffer();
    access(s.index);
    s.type = {program_.buffers[s.buffer].type.dtype, 1};
  } else if (in_.try_word("check"))
    check(s);
  else
    in_.fail(fmt::format("expected '%… =', 'for', 'store', 'streaming store', 'set', 'tile', "
                         "'transpose', 'prefetch', "
                         "'check' or '}}', found {}",
                         in_.found()));
  note(s);
  for (auto& [inner, offset] : in_place_) {
    inner.node = s.node;
    append(std::move(inner), offset);
  }
  append(std::move(s), at);
}

void StatementParser::append(Statement&& s, size_t at) {
  offsets_.push_back(at);
  (loops_.empty() ? kernel().body : loops_.back().body).push_back(std::move(s));
}

void StatementParser::assignment(Statement& s) {
  in_.expect('%', "before a value");
  s.result = number("the number of a value");
  in_.expect('=', "behind the value");
  keep(s.result);
  right_side(s);
}

/// What gives s.result, up to its type.
void StatementParser::right_side(Statement& s) {
  if (in_.try_word("load"))
    load(s);
  else if (in_.try_word("get")) {
    s.kind = StatementKind::Get;
    s.tile = known_tile();
    access(s.index);
  } else if (in_.try_word("index")) {
    s.kind = StatementKind::Index;
    s.index.push_back(coordinate());
  } else if (in_.try_word("join")) {
    s.kind = StatementKind::Join;
    std::string_view word = in_.word("an operation");
    if (!find_scalar_op(word, s.op))
      in_.fail_at(word, fmt::format("unknown operation '{}'", word));
    s.tile = known_tile();
    access(s.index);
  } else {
    compute(s);
  }
  if (s.kind == StatementKind::Compute && s.op == ScalarOp::constant)
    return;
  type_or_derived(s);
  types_[s.result] = s.type;
}

/// A value by its number, or what gives it: x[i], t0, (exp %3).
ValueId StatementParser::operand() {
  if (in_.peek() == '%')
    return use();
  size_t at = in_.offset();
  Statement s;
  s.result = unnumbered();
  if (in_.try_char('(')) {
    if (++parentheses_ > TextLimits::nesting)
      in_.fail_at(at, fmt::format("parentheses are nested deeper than {}", TextLimits::nesting));
    right_side(s);
    in_.expect(')', "behind what gives a value");
    --parentheses_;
  } else {
    std::string name = in_.name("a value: its number, an element of a buffer or tile, or (…)");
    in_.go_to(at);
    s.kind = is_tile_name(name) ? StatementKind::Get : StatementKind::Load;
    if (s.kind == StatementKind::Get)
      s.tile = known_tile();
    else
      s.buffer = buffer();
    access(s.index);
    derive_type(program_, types_, tiles_, s, s.type);
  }
  return in_place(std::move(s), at);
}

/// An operand, or an operation without parentheses.
ValueId StatementParser::written_value() {
  char c = in_.peek();
  size_t at = in_.offset();
  if (c == '%' || c == '(')
    return operand();
  std::string name =
      in_.name("a value: its number, an element of a buffer or tile, or what gives it");
  in_.go_to(at);
  if (!is_operation(name))
    return operand();
  Statement s;
  s.result = unnumbered();
  compute(s);
  if (!derive_type(program_, types_, tiles_, s, s.type))
    in_.fail_at(at, "this needs its type: write it in parentheses, as in (convert %0 : f32)");
  return in_place(std::move(s), at);
}

/// Keeps a statement that the line holds in place of a value.
ValueId StatementParser::in_place(Statement&& s, size_t at) {
  types_[s.result] = s.type;
  in_place_.emplace_back(std::move(s), at);
  return in_place_.back().first.result;
}

/// A number that no line of the kernel gives.
ValueId StatementParser::unnumbered() {
  ValueId value = next_unnumbered_++;
  if (value >= most_values)
    in_.fail(fmt::format("a kernel of more than {} values", most_values));
  keep(value);
  return value;
}

/// Room for what is known of a value.
void StatementParser::keep(ValueId value) {
  kernel().values = std::max(kernel().values, value + 1);
  if (types_.size() <= value)
    types_.resize(std::max<size_t>(value + 1, types_.size() * 2));
}

void StatementParser::compute(Statement& s) {
  if (at_number())
    return constant(s);
  std::string_view word = in_.word("an operation");
  Opcode function;
  if (find_opcode(word, function) && is_elementary(function)) {
    s.op = ScalarOp::call;
    s.bits = static_cast<Bits>(function);
  } else if (!find_scalar_op(word, s.op) || s.op == ScalarOp::constant ||
             s.op == ScalarOp::lookup || s.op == ScalarOp::call) {
    std::vector<std::string> known = {"load", "get", "index", "join"};
    for (int i = 1; i < scalar_op_count; ++i)
      known.emplace_back(name(static_cast<ScalarOp>(i)));
    for (int i = 0; i < opcode_count; ++i)
      if (is_elementary(static_cast<Opcode>(i)))
        known.emplace_back(gdjit::name(static_cast<Opcode>(i)));
    in_.fail_at(word, fmt::format("unknown operation '{}'{}", word, did_you_mean(word, known)));
  }
  if (in_.at_end_of_line() || std::string_view(":@)").find(in_.peek()) != std::string_view::npos)
    return;                    // the verifier says how many operands it takes
  std::vector<Number> numbers; // per operand; empty ones for values
  do {
    bool number = at_number();
    numbers.push_back(number ? read_number() : Number{});
    s.operands.push_back(number ? none : operand());
  } while (in_.try_char(','));
  give_numbers(s, numbers);
}

/// Their type follows from the other operands.
void StatementParser::give_numbers(Statement& s, const std::vector<Number>& numbers) {
  DType type{};
  bool known = number_type(s, types_, [](ValueId v) { return v == none; }, type);
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (numbers[i].token.empty())
      continue;
    if (!known)
      in_.fail_at(numbers[i].at, "this number needs its type, as in (1 : f32)");
    s.operands[i] = value_of(numbers[i], type);
  }
}

void StatementParser::constant(Statement& s) {
  std::string_view token = in_.number("a number");
  in_.expect(':', "before the type of a constant");
  s.type = type();
  unsigned char bytes[8] = {};
  in_.to_element(token, s.type.dtype, bytes);
  s.bits = load_bits(s.type.dtype, bytes);
  types_[s.result] = s.type;
}

void StatementParser::load(Statement& s) {
  s.kind = StatementKind::Load;
  s.buffer = buffer();
  access(s.index);
  if (!in_.try_word("if"))
    return;
  s.mask = use();
  if (in_.try_word("else"))
    s.fill =
        at_number() ? value_of(read_number(), program_.buffers[s.buffer].type.dtype) : operand();
}

void StatementParser::store(Statement& s) {
  s.kind = StatementKind::Store;
  s.buffer = buffer();
  written(s);
}

/// Behind the place that a store or set names: [index] = %value if %mask.
void StatementParser::written(Statement& s) {
  access(s.index);
  in_.expect('=', "before the value that is written");
  DType type =
      s.kind == StatementKind::Store ? program_.buffers[s.buffer].type.dtype : tiles_[s.tile].dtype;
  s.operands.push_back(at_number() ? value_of(read_number(), type) : written_value());
  if (in_.try_word("if"))
    s.mask = use();
  type_or_derived(s);
}

void StatementParser::check(Statement& s) {
  s.kind = StatementKind::Check;
  s.operands.push_back(written_value());
  in_.expect_word("at");
  s.index.push_back(coordinate());
  if (in_.try_word("if"))
    s.mask = use();
  type_or_derived(s);
}

void StatementParser::tile(Statement& s) {
  s.kind = StatementKind::Tile;
  s.tile = tile_name();
  if (in_.peek() == '[')
    s.extents = in_.integers("the extents of a tile");
  in_.expect(':', "before the type of a tile");
  s.type = type();
  in_.expect('=', "before the first value of a tile");
  unsigned char bytes[8] = {};
  in_.to_element(in_.number("a number"), s.type.dtype, bytes);
  s.bits = load_bits(s.type.dtype, bytes);
  kernel().tiles = std::max(kernel().tiles, s.tile + 1);
  if (tiles_.size() <= s.tile)
    tiles_.resize(std::max<size_t>(s.tile + 1, tiles_.size() * 2));
  tiles_[s.tile] = s.type;
}

} // namespace gdjit::loop
