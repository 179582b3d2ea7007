#include <map>
#include <vector>

std::map<int, std::vector<int>> positions(const std::vector<int>& values) {
    std::map<int, std::vector<int>> found;
    for (int index = 0; index < static_cast<int>(values.size()); ++index)
        found[values[index]].push_back(index);
    return found;
}
