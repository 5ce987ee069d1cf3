// Labels a brain with ONNX Runtime's C++ interface:
//
//     segment MODEL.onnx X Y Z T1C.raw FLAIR.raw MASK.raw LABELS.raw
//
// The .raw files hold float32 in the machine's order, X x Y x Z voxels of 1 mm, axes to the right,
// front and top, Z running fastest; sides are multiples of the contract's grid.multiple. The mask is
// 1 inside the brain. LABELS.raw gets a byte a voxel: 0 background, then the contract's labels.
#include <onnxruntime_cxx_api.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

// The contract's channels: t1, t1c, t2, flair, rcbv, ktrans, tbr.
constexpr std::int64_t kChannels = 7, kT1c = 1, kFlair = 3, kTissues = 4;
constexpr float kCentral90ToSd = 3.3F;

std::vector<float> read(const std::string& path, std::size_t count) {
  std::vector<float> values(count);
  std::ifstream file(path, std::ios::binary);
  if (!file.read(reinterpret_cast<char*>(values.data()), count * sizeof(float)))
    throw std::runtime_error(path + ": must hold " + std::to_string(count) + " numbers");
  return values;
}

// Percentile of sorted values, linear between them as numpy has it.
float percentile(const std::vector<float>& sorted, double percent) {
  const double at = percent / 100 * (sorted.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const auto high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + static_cast<float>(at - low) * (sorted[high] - sorted[low]);
}

// Median and (p95 - p5) / 3.3 over the brain voxels that the image covers.
std::array<float, 2> statistics(const std::vector<float>& image, const std::vector<float>& mask) {
  std::vector<float> inside;
  for (std::size_t i = 0; i < image.size(); ++i)
    if (mask[i] > 0 && image[i] != 0) inside.push_back(image[i]);
  if (inside.empty()) throw std::runtime_error("an image is empty inside the mask");
  std::sort(inside.begin(), inside.end());
  const float width = percentile(inside, 95) - percentile(inside, 5);
  return {percentile(inside, 50), width / kCentral90ToSd};
}

void segment(char** argument) {
  const std::array<std::int64_t, 3> side{std::atoll(argument[2]), std::atoll(argument[3]),
                                         std::atoll(argument[4])};
  const auto voxels = static_cast<std::size_t>(side[0] * side[1] * side[2]);
  auto mask = read(argument[7], voxels);

  std::vector<float> image(kChannels * voxels), present(kChannels), stats(2 * kChannels);
  for (std::int64_t channel = 0; channel < kChannels; ++channel) stats[2 * channel + 1] = 1;
  const std::array<std::pair<std::int64_t, const char*>, 2> given{
      {{kT1c, argument[5]}, {kFlair, argument[6]}}};
  for (const auto& [channel, path] : given) {
    const auto values = read(path, voxels);
    const auto found = statistics(values, mask);
    std::copy(values.begin(), values.end(), image.begin() + channel * voxels);
    std::copy(found.begin(), found.end(), stats.begin() + 2 * channel);
    present[channel] = 1;
  }

  Ort::Env environment(ORT_LOGGING_LEVEL_WARNING, "vasotype");
  Ort::Session session(environment, argument[1], Ort::SessionOptions{});
  const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  const auto tensor = [&](std::vector<float>& values, const std::vector<std::int64_t>& shape) {
    return Ort::Value::CreateTensor<float>(memory, values.data(), values.size(), shape.data(),
                                           shape.size());
  };
  const std::array<Ort::Value, 4> inputs{
      tensor(image, {1, kChannels, side[0], side[1], side[2]}),
      tensor(mask, {1, 1, side[0], side[1], side[2]}), tensor(present, {1, kChannels}),
      tensor(stats, {1, kChannels, 2})};
  const std::array<const char*, 4> names{"image", "mask", "present", "stats"};
  const std::array<const char*, 1> asked{"tissue"};
  const auto answers = session.Run(Ort::RunOptions{nullptr}, names.data(), inputs.data(),
                                   inputs.size(), asked.data(), asked.size());

  const float* tissue = answers[0].GetTensorData<float>();
  std::vector<char> labels(voxels);
  for (std::size_t i = 0; i < voxels; ++i)
    for (std::int64_t label = 1; label < kTissues; ++label)
      if (tissue[label * voxels + i] > tissue[labels[i] * voxels + i])
        labels[i] = static_cast<char>(label);
  std::ofstream(argument[8], std::ios::binary).write(labels.data(), labels.size());
}

}  // namespace

int main(int count, char** argument) {
  if (count != 9) {
    std::cerr << "segment MODEL.onnx X Y Z T1C.raw FLAIR.raw MASK.raw LABELS.raw\n";
    return 2;
  }
  try {
    segment(argument);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
  return 0;
}
