// Optimizers by their text: gdjit train --optimizer sgd,momentum=0.9.
#include "gdjit/Support/Error.h"
#include "gdjit/Support/Split.h"
#include "gdjit/Support/Suggest.h"
#include "gdjit/Train/Optimizers.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <variant>

namespace gdjit {

namespace {

/// A member of a rule by its name.
template <class Rule> struct Setting {
  std::string name;
  std::variant<double Rule::*, bool Rule::*> member;
};

class Reader {
public:
  explicit Reader(std::string_view text) : text_(text), words_(split_at(text, ',')) {
    if (!text.empty() && text.back() == ',')
      fail("a setting is missing behind the last comma");
  }

  const std::string& name() const { return words_.front(); }

  template <class Rule>
  std::shared_ptr<const AnyUpdateRule> read(const std::vector<Setting<Rule>>& settings) const {
    Rule rule;
    rule.lr = std::numeric_limits<double>::quiet_NaN();
    std::vector<std::string> known;
    for (const Setting<Rule>& setting : settings)
      known.push_back(setting.name);
    for (size_t i = 1; i < words_.size(); ++i) {
      size_t equals = words_[i].find('=');
      std::string key = words_[i].substr(0, equals);
      size_t at = 0;
      while (at < known.size() && known[at] != key)
        ++at;
      if (at == known.size())
        fail(fmt::format("'{}' has no '{}', it has {}{}", name(), key, fmt::join(known, ", "),
                         did_you_mean(key, known)));
      if (auto* flag = std::get_if<bool Rule::*>(&settings[at].member)) {
        if (equals != std::string::npos)
          fail(fmt::format("{} is given alone or left out", key));
        rule.*(*flag) = true;
        continue;
      }
      if (equals == std::string::npos)
        fail(fmt::format("{} has no value; write {}=NUMBER", key, key));
      rule.*std::get<double Rule::*>(settings[at].member) =
          number(key, words_[i].substr(equals + 1));
    }
    return any_update_rule(rule);
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::usage, fmt::format("optimizer '{}': {}", text_, what));
  }

private:
  double number(const std::string& key, const std::string& word) const {
    double value = 0;
    auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size() || word.empty())
      fail(fmt::format("{}: '{}' is no number", key, word));
    if (key == "lr" && !(value >= 0 && value < std::numeric_limits<double>::infinity()))
      fail(fmt::format("the learning rate {} is negative or not finite; give 0 or more", word));
    return value;
  }

  std::string text_;
  std::vector<std::string> words_;
};

} // namespace

std::shared_ptr<const AnyUpdateRule> parse_optimizer(std::string_view text) {
  Reader reader(text);
  if (reader.name() == "sgd")
    return reader.read<SGD>({{"lr", &SGD::lr},
                             {"momentum", &SGD::momentum},
                             {"dampening", &SGD::dampening},
                             {"weight_decay", &SGD::weight_decay},
                             {"nesterov", &SGD::nesterov}});
  if (reader.name() == "adagrad")
    return reader.read<Adagrad>({{"lr", &Adagrad::lr},
                                 {"lr_decay", &Adagrad::lr_decay},
                                 {"weight_decay", &Adagrad::weight_decay},
                                 {"initial", &Adagrad::initial},
                                 {"eps", &Adagrad::eps}});
  if (reader.name() == "rmsprop")
    return reader.read<RMSprop>({{"lr", &RMSprop::lr},
                                 {"alpha", &RMSprop::alpha},
                                 {"eps", &RMSprop::eps},
                                 {"weight_decay", &RMSprop::weight_decay},
                                 {"momentum", &RMSprop::momentum},
                                 {"centered", &RMSprop::centered},
                                 {"tensorflow", &RMSprop::tensorflow}});
  if (reader.name() == "adam")
    return reader.read<Adam>({{"lr", &Adam::lr},
                              {"beta1", &Adam::beta1},
                              {"beta2", &Adam::beta2},
                              {"eps", &Adam::eps},
                              {"weight_decay", &Adam::weight_decay}});
  if (reader.name() == "adamw")
    return reader.read<AdamW>({{"lr", &AdamW::lr},
                               {"beta1", &AdamW::beta1},
                               {"beta2", &AdamW::beta2},
                               {"eps", &AdamW::eps},
                               {"weight_decay", &AdamW::weight_decay}});
  std::vector<std::string> known = {"sgd", "adagrad", "rmsprop", "adam", "adamw"};
  reader.fail(fmt::format("there is no '{}', there are {}{}", reader.name(), fmt::join(known, ", "),
                          did_you_mean(reader.name(), known)));
}

} // namespace gdjit
