print("outaged")
