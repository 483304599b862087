def checked(check):
    pass
