"""How clients that run `holdfast.js` come back after a drain."""
